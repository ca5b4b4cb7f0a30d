import { z } from "zod";
import { Article } from "../articles/schema.ts";
import type { ChangeKind } from "../editions/changes.ts";
import { pageParameters } from "../http/paging.ts";
import { Id, Slug, TimeOut } from "../http/scalars.ts";

/** The longest that an answer may be waited for, in seconds. */
export const MAX_WAIT = 60;

export const kinds = [
  "published",
  "updated",
  "corrected",
  "unpublished",
  "deleted",
  "moved",
  "withdrawn",
] as const satisfies readonly ChangeKind[];

/** Share counts are no part of an edition: they change without one. */
const ChangedArticle = Article.omit({ shareCounts: true, shareTotal: true })
  .partial()
  .required({ id: true })
  .meta({
    id: "ChangedArticle",
    description:
      "An edition as readers get it, without share counts, or with the `fields` that were asked for.",
  });

const names = Object.keys(ChangedArticle.shape);
const fields = z
  .string()
  .max(1000)
  .transform((list) => (list === "" ? [] : list.split(",").map((name) => name.trim())))
  .refine(
    (wanted) => wanted.every((name) => names.includes(name)),
    `must be properties of the article, parted by commas, or nothing: ${names.join(", ")}`,
  )
  .optional()
  .meta({
    description:
      "The properties of the edition that are wanted, parted by commas; `id` comes always. Empty: no edition.",
    examples: ["headline,slug"],
  });

const cursor = (absent: string) =>
  z
    .string()
    .max(1000)
    .optional()
    .meta({
      description: `A cursor (\`page.next\`, or an event's id); \`start\` for each article that is live, once, and then what has changed since; \`now\` for what is yet to come. ${absent}`,
      examples: ["start"],
    });

export const ChangeQuery = z.strictObject({
  since: cursor("`start` when absent."),
  limit: pageParameters.limit,
  fields,
  wait: z
    .string()
    .refine(
      (value) => /^\d{1,2}$/.test(value) && Number(value) <= MAX_WAIT,
      `must be a whole number of seconds from 0 to ${MAX_WAIT}`,
    )
    .transform(Number)
    .default(0)
    .meta({
      description:
        "How many seconds to wait for a change when there is none yet; it is answered as it comes.",
      examples: [30],
      type: "integer",
      minimum: 0,
      maximum: MAX_WAIT,
    }),
});

export const StreamQuery = z.strictObject({
  since: cursor("`now` when absent. `Last-Event-ID` goes before it."),
  fields,
});

/** Other headers stay as they are. */
export const StreamHeaders = z.looseObject({
  "last-event-id": z
    .string()
    .max(1000)
    .optional()
    .meta({
      description: "The id of the last event that was received, as browsers send it.",
      examples: [""],
    }),
});

const [articleExample = {}] = (Article.meta()?.examples ?? []) as Record<string, unknown>[];
const { shareCounts: _, shareTotal: __, ...edition } = articleExample;
/** A change as it may be. */
export const example = {
  sequence: 4711,
  cursor: "q1vTm3kZ0aXx8mV2b4nD6VsiNDcxMSJd",
  kind: "corrected",
  at: "2025-04-10T09:30:00.000Z",
  articleId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  slug: "talks-conclude-in-istanbul",
  edition: 3,
  detail: { correction: "An earlier version misspelt the name of the envoy." },
  article: edition,
};

export const Change = z
  .object({
    sequence: z
      .int()
      .nullable()
      .describe(
        "Higher with every change, with gaps. Null for what was live at the start, which no change tells of.",
      ),
    cursor: z
      .string()
      .describe("Where it leaves whoever knows it: `since` of the feed, and of a webhook's replay."),
    kind: z
      .enum(kinds)
      .describe(
        "`published` came before readers, `updated` has another edition or shows links anew, `corrected` puts something right, `moved` has another slug, `unpublished` and `deleted` went, `withdrawn` went for good.",
      ),
    at: TimeOut.describe("When it took effect for readers."),
    articleId: Id,
    slug: Slug,
    edition: z.int().describe("The number of the edition that came, or of the last one that was."),
    detail: z
      .object({
        from: Slug.optional().describe("With `moved`: the slug it had."),
        correction: z.string().optional().describe("With `corrected`, while the article is live."),
        reason: z.string().nullable().optional().describe("With `withdrawn`: what may be said of why."),
        link: Id.optional().describe(
          "With `updated`: the article whose coming, moving or going shows in a link.",
        ),
      })
      .nullable(),
    article: ChangedArticle.nullable()
      .optional()
      .describe(
        "The edition. Null with what went, and with a change that was overtaken: a later one says what became of it. Absent with an empty `fields`.",
      ),
  })
  .meta({ id: "Change", examples: [example] });

const eventExample = `retry: 2000

id: ${example.cursor}
event: corrected
data: ${JSON.stringify(example)}

`;

export const EventStream = {
  description: "The events, for as long as both sides like.",
  content: { "text/event-stream": { schema: z.string().meta({ examples: [eventExample] }) } },
};

export const ChangeList = z
  .object({
    data: z.array(Change),
    page: z.object({
      limit: z.int(),
      next: z.string().describe("Where to go on, also when there was nothing: `since` of the next request."),
    }),
  })
  .meta({
    id: "ChangeList",
    examples: [{ data: [example], page: { limit: 20, next: example.cursor } }],
  });
