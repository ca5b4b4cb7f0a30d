import { z } from "zod";
import { Id, Language, Slug, Time, TimeOut, WebAddress, text } from "../http/scalars.ts";
import { listOf } from "../http/paging.ts";
import { Highlight } from "../search/schema.ts";
import { MAX_TERMS, TermReference } from "../taxonomy/schema.ts";
import { Block, Body } from "./body.ts";

/** The most key points, and the most related links, of one article. */
export const MAX_ITEMS = 100;

const Headline = text(500);
const Standfirst = text(2000).nullable();
const DatelineText = text(200)
  .nullable()
  .describe("Where the story was filed, as printed: `ISTANBUL, Turkey`.");
const Position = z.int().min(0).max(MAX_ITEMS);

export const Status = z
  .enum(["draft", "in_review", "scheduled", "published", "unpublished"])
  .meta({ id: "Status" });
export const TargetStatus = z
  .enum([...Status.options, "deleted", "purged"])
  .describe("How the article is that a link leads to; `deleted` in the trash, `purged` for good.")
  .meta({ id: "TargetStatus" });
export const LinkKind = z.enum(["alsoRead", "background", "source", "external"]).meta({ id: "LinkKind" });

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const keyPointExample = { id, text: "The talks lasted five hours", position: 0, blockId: null };
const linkExample = {
  id,
  kind: "alsoRead" as const,
  title: "Envoys meet again",
  url: null,
  articleId: null,
  position: 0,
};
const page = { limit: 100, next: null };

export const KeyPoint = z
  .object({
    id: Id,
    text: text(1000),
    position: Position.describe("Its place in the list, from 0."),
    blockId: z.string().nullable().describe("The block it sums up."),
  })
  .meta({ id: "KeyPoint", examples: [keyPointExample] });
export const KeyPointList = listOf(KeyPoint).meta({
  id: "KeyPointList",
  examples: [{ data: [keyPointExample], page }],
});

export const RelatedLink = z
  .object({
    id: Id,
    kind: LinkKind,
    title: z.string().nullable(),
    url: z.string().nullable().describe("Null while a bare title waits for its article."),
    articleId: Id.nullable().describe("The article it leads to; `title` and `url` then follow that article."),
    targetStatus: TargetStatus.optional().describe(
      "With `version=draft` and an `articleId`: of the article it leads to. Readers see the link while that is live.",
    ),
    position: Position.describe("Its place in the list, from 0."),
  })
  .meta({ id: "RelatedLink", examples: [linkExample] });
export const RelatedLinkList = listOf(RelatedLink).meta({
  id: "RelatedLinkList",
  examples: [{ data: [linkExample], page }],
});

const keyPointFields = {
  text: text(1000).optional(),
  blockId: z.string().max(64).nullable().optional().describe("The id of the block it sums up."),
};
const positionIgnored = Position.optional().describe(
  "Accepted and not heeded: the order of the list is the order of the items.",
);

/** An item of a nested or replaced list. One that names the id of an existing item keeps what it leaves out. */
export const KeyPointItem = z
  .union([text(1000), z.strictObject({ id: Id.optional(), ...keyPointFields, position: positionIgnored })])
  .meta({ id: "KeyPointItem", examples: ["The talks lasted five hours"] });

export const KeyPointInput = z
  .strictObject({
    id: Id.optional(),
    ...keyPointFields,
    text: text(1000),
    position: Position.optional().describe("Where to insert it; at the end when absent."),
  })
  .meta({ id: "KeyPointWrite", examples: [{ text: "The talks lasted five hours", position: 0 }] });

export const KeyPointPatch = z
  .strictObject({ ...keyPointFields, position: Position.optional().describe("Where to move it.") })
  .meta({ id: "KeyPointPatch", examples: [{ text: "The talks lasted six hours" }] });

const LinkAddress = z
  .union([WebAddress, text(2048).regex(/^\/(?![/\\])\S*$/, "must be an http or https address, or a path")])
  .nullable();
const linkFields = {
  kind: LinkKind.optional(),
  title: text(500).nullable().optional(),
  url: LinkAddress.optional(),
  articleId: Id.nullable().optional(),
  targetStatus: z
    .string()
    .max(20)
    .nullable()
    .optional()
    .describe("Accepted as it was fetched, and not heeded: it is the other article's."),
};
const linkRule =
  "A link names `url`, or `articleId`, or a `title` alone, which leads to the article with that headline as soon as one is published.";

export const RelatedLinkItem = z
  .strictObject({ id: Id.optional(), ...linkFields, position: positionIgnored })
  .meta({
    id: "RelatedLinkItem",
    description: linkRule,
    examples: [{ kind: "alsoRead", title: "Envoys meet again" }],
  });

export const RelatedLinkInput = z
  .strictObject({
    id: Id.optional(),
    ...linkFields,
    position: Position.optional().describe("Where to insert it; at the end when absent."),
  })
  .meta({
    id: "RelatedLinkWrite",
    description: linkRule,
    examples: [{ kind: "source", title: "The communiqué", url: "https://example.com/communique" }],
  });

export const RelatedLinkPatch = z
  .strictObject({ ...linkFields, position: Position.optional().describe("Where to move it.") })
  .meta({ id: "RelatedLinkPatch", examples: [{ title: "The communiqué in full" }] });

const KeyPointItems = z.array(KeyPointItem).max(MAX_ITEMS);
const RelatedLinkItems = z.array(RelatedLinkItem).max(MAX_ITEMS);

/** A whole list to put in place of another: as an array, or as a list is answered; and where in the body it stands. */
function wholeListOf<Item extends z.ZodType>(items: z.ZodArray<Item>) {
  const answered = z.strictObject({ data: items, page: z.unknown().optional() });
  return z.union([
    items.transform((data) => ({ data, place: "#" })),
    answered.transform(({ data }) => ({ data, place: "#/data" })),
  ]);
}
export const KeyPointListInput = wholeListOf(KeyPointItems).meta({
  id: "KeyPointListWrite",
  examples: [["The talks lasted five hours", { id, text: "Direct flights may resume" }]],
});
export const RelatedLinkListInput = wholeListOf(RelatedLinkItems).meta({
  id: "RelatedLinkListWrite",
  examples: [[{ id, kind: "alsoRead", title: "Envoys meet again" }]],
});

/** What an editor can write. */
const fields = {
  slug: Slug.optional().describe("Made from the headline when absent."),
  standfirst: Standfirst.optional(),
  dateline: DatelineText.optional(),
  language: Language.optional().describe("BCP 47; `en` when absent."),
  section: TermReference.nullable().optional(),
  tags: z.array(TermReference).max(MAX_TERMS).optional(),
  authors: z.array(TermReference).max(MAX_TERMS).optional(),
  body: Body.optional(),
  keyPoints: KeyPointItems.optional(),
  relatedLinks: RelatedLinkItems.optional(),
  publishedAt: Time.nullable()
    .optional()
    .describe(
      "For an article carried over from elsewhere: when it was first published. Only before its first edition.",
    ),
  embargoedUntil: Time.nullable()
    .optional()
    .describe("What is published before this waits for it; keys with `embargo:read` have it meanwhile."),
  expiresAt: Time.nullable().optional().describe("When readers are to lose what is published from here on."),
};

const inputExample = {
  headline: "Talks conclude in Istanbul",
  dateline: "ISTANBUL, Turkey",
  body: [{ type: "paragraph" as const, text: "The delegations met for five hours." }],
  keyPoints: ["The talks lasted five hours"],
  relatedLinks: [{ kind: "alsoRead" as const, title: "Envoys meet again" }],
};

export const ArticleInput = z
  .strictObject({ headline: Headline, ...fields })
  .meta({ id: "ArticleWrite", examples: [inputExample] });
export type ArticleInput = z.output<typeof ArticleInput>;

/** RFC 7396: what is absent stays, null empties, a list replaces the whole list. */
export const ArticlePatch = z
  .strictObject({
    headline: Headline.optional(),
    ...fields,
    language: Language.nullable().optional(),
    tags: fields.tags.nullable(),
    authors: fields.authors.nullable(),
    body: fields.body.nullable(),
    keyPoints: fields.keyPoints.nullable(),
    relatedLinks: fields.relatedLinks.nullable(),
  })
  .meta({ id: "ArticlePatch", examples: [{ standfirst: "Direct flights may resume" }] });
export type ArticlePatch = z.output<typeof ArticlePatch>;

const summaryShape = {
  id: Id,
  slug: Slug,
  status: Status,
  hasUnpublishedChanges: z
    .boolean()
    .describe("Whether the working copy was changed since what readers get, or are to get, was made of it."),
  headline: Headline,
  standfirst: Standfirst,
  dateline: DatelineText,
  language: Language,
  section: Slug.nullable().describe("The section's slug."),
  tags: z.array(Slug).describe("The tags' slugs."),
  authors: z.array(z.object({ id: Id, name: z.string(), slug: Slug })),
};
const restShape = {
  keyPoints: z.array(KeyPoint),
  relatedLinks: z.array(RelatedLink),
  shareCounts: z.record(z.string(), z.int().min(0)).describe("Shares per network."),
  // Each count fits 2^53; their sum need not.
  shareTotal: z.number().min(0).meta({ type: "integer" }),
  corrections: z.array(z.object({ number: z.int(), text: z.string(), publishedAt: TimeOut })),
  version: z.int().min(0).describe("How many editions have been published."),
  firstPublishedAt: TimeOut.nullable(),
  publishedAt: TimeOut.nullable().describe("When it went live; a later edition does not move it."),
  scheduledFor: TimeOut.nullable().describe("When readers will get what is planned."),
  embargoedUntil: TimeOut.nullable(),
  expiresAt: TimeOut.nullable(),
  createdAt: TimeOut,
  updatedAt: TimeOut,
};

const summaryExample = {
  id,
  slug: "talks-conclude-in-istanbul",
  status: "published" as const,
  hasUnpublishedChanges: false,
  headline: "Talks conclude in Istanbul",
  standfirst: null,
  dateline: "ISTANBUL, Turkey",
  language: "en",
  section: "world",
  tags: ["diplomacy"],
  authors: [{ id, name: "Ana Lima", slug: "ana-lima" }],
};
const restExample = {
  keyPoints: [keyPointExample],
  relatedLinks: [linkExample],
  shareCounts: { facebook: 12, whatsapp: 7, x: 0 },
  shareTotal: 19,
  corrections: [],
  version: 1,
  firstPublishedAt: "2025-04-10T09:30:00.000Z",
  publishedAt: "2025-04-10T09:30:00.000Z",
  scheduledFor: null,
  embargoedUntil: null,
  expiresAt: null,
  createdAt: "2025-04-10T09:00:00.000Z",
  updatedAt: "2025-04-10T09:30:00.000Z",
};
const bodyExample = [
  { id: "b1", type: "paragraph" as const, text: "The delegations met for five hours." },
  { id: "b2", type: "relatedLink" as const, relatedLinkId: id },
];

export const articleExample = { ...summaryExample, body: bodyExample, ...restExample };

export const Article = z
  .object({ ...summaryShape, body: z.array(Block), ...restShape })
  .meta({ id: "Article", examples: [articleExample] });
export type Article = z.output<typeof Article>;

export const ArticleSummary = z
  .object({ ...summaryShape, ...restShape, highlight: Highlight })
  .partial()
  .required({ id: true })
  .meta({
    id: "ArticleSummary",
    description: "An article without its body, or with the `fields` that were asked for.",
  });
