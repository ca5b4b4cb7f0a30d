import { z } from "zod";
import { checkSelection, ordered, selection } from "../editions/schema.ts";
import { pageParameters } from "../http/paging.ts";
import { TimeOut } from "../http/scalars.ts";

/** A feed is of whatever can be listed. */
export const FeedQuery = z
  .strictObject({
    limit: pageParameters.limit,
    cursor: z.string().max(1000).optional().meta({
      description: "Where to go on: the address of the next page, which a feed names, has it.",
    }),
    ...selection,
    content: z
      .enum(["full", "summary"])
      .default("full")
      .meta({
        description:
          "`full` has the whole text; `summary` the standfirst, or else the first paragraph, with the key points " +
          "and corrections.",
        examples: ["full"],
      }),
  })
  .check(checkSelection)
  .transform(ordered);
export type FeedQuery = z.output<typeof FeedQuery>;

const Address = z.string().meta({ format: "uri" });

const author = z.object({ name: z.string() });
const item = z.object({
  id: z.string().describe("The article's id as a URN; it stays, whatever becomes of the slug."),
  url: Address.describe("The article's page."),
  title: z.string(),
  content_html: z.string(),
  summary: z.string().optional(),
  image: Address.optional(),
  date_published: TimeOut,
  date_modified: TimeOut,
  authors: z.array(author).optional(),
  tags: z.array(z.string()).optional().describe("The names of the section and the tags."),
  language: z.string(),
  attachments: z
    .array(z.object({ url: Address, mime_type: z.string(), title: z.string().optional() }))
    .optional(),
  _dateline: z
    .object({
      about: Address,
      dateline: z.string().optional(),
      key_points: z.array(z.string()),
      corrections: z.array(z.object({ text: z.string(), date_published: TimeOut })),
    })
    .describe("What JSON Feed has no property for."),
});

/** JSON Feed 1.1, as far as feeds have it. */
export const JsonFeed = z
  .object({
    version: z.literal("https://jsonfeed.org/version/1.1"),
    title: z.string(),
    home_page_url: Address,
    feed_url: Address,
    next_url: Address.optional(),
    description: z.string(),
    language: z.string().optional(),
    authors: z.array(author),
    hubs: z.array(z.object({ type: z.string(), url: Address })).optional(),
    items: z.array(item),
  })
  .meta({
    id: "JsonFeed",
    examples: [
      {
        version: "https://jsonfeed.org/version/1.1",
        title: "Dateline: World",
        home_page_url: "https://news.example/",
        feed_url: "https://api.news.example/v1/feeds/feed.json?section=world",
        description: "World from Dateline",
        language: "en",
        authors: [{ name: "Dateline" }],
        items: [
          {
            id: "urn:uuid:0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
            url: "https://news.example/talks-conclude-in-istanbul",
            title: "Talks conclude in Istanbul",
            content_html: '<div lang="en" dir="ltr"><p>The delegations met for five hours.</p></div>',
            summary: "The delegations met for five hours.",
            date_published: "2025-04-10T09:30:00.000Z",
            date_modified: "2025-04-10T09:30:00.000Z",
            authors: [{ name: "Ana Lima" }],
            tags: ["World", "Diplomacy"],
            language: "en",
            _dateline: {
              about: "https://api.news.example/docs",
              dateline: "ISTANBUL, Turkey",
              key_points: ["The talks lasted five hours"],
              corrections: [],
            },
          },
        ],
      },
    ],
  });
export type JsonFeed = z.output<typeof JsonFeed>;
