import { z } from "zod";
import { everyone } from "../access/audience.ts";
import { Article, ArticleSummary, Status } from "../articles/schema.ts";
import { articleFormat, listFormat } from "../formats/formats.ts";
import { Page, pageParameters } from "../http/paging.ts";
import { Id, Language, Slug, Time, TimeOut, text } from "../http/scalars.ts";
import { Search } from "../search/schema.ts";

export const MAX_IDS = 100;

/** A list in one query parameter, parted by commas. */
function commaList<Item extends z.ZodType<unknown, string>>(item: Item, most: number) {
  return z
    .string()
    .max(5000)
    .transform((list) => list.split(",").map((part) => part.trim()))
    .pipe(z.array(item).max(most, `must name at most ${most}`));
}

const DayOrTime = z.union(
  [
    Time,
    z.iso
      .date()
      .transform((day) => `${day}T00:00:00.000Z`)
      .pipe(Time),
  ],
  {
    error: "must be a time such as 2025-04-10T09:30:00Z, or a day such as 2025-04-10",
  },
);

export const version = z
  .enum(["published", "draft"])
  .default("published")
  .meta({
    description: "`draft` is the working copy, for keys with `drafts:read`.",
    examples: ["published"],
  });

const asOf = Time.optional().meta({
  description:
    "A moment that has passed: the answer is what the public saw then. Nobody knows what counts of shares were shown, so they are empty.",
  examples: ["2025-04-10T09:30:00Z"],
});

/** Working copies are not what the public saw. */
const isPast = (query: { version: "published" | "draft"; asOf?: string | undefined }) =>
  query.asOf === undefined || query.version === "published";
const notPast = {
  path: ["asOf"],
  message: "shows what the public saw, so it does not go with version=draft",
};

/** Chooses among the properties of what is answered. */
function chosenFields(shape: object) {
  const names = Object.keys(shape);
  const fault = `must be properties of the answer, parted by commas: ${names.join(", ")}`;
  return commaList(
    z.string().refine((name) => names.includes(name), fault),
    names.length,
  )
    .optional()
    .meta({
      description: "The properties wanted, parted by commas; `id` comes always.",
      examples: ["headline,slug,publishedAt"],
    });
}

/** How an article is to be read, and how what is inside it. */
export const ArticleReading = z
  .strictObject({ version, asOf, fields: chosenFields(Article.shape), format: articleFormat })
  .refine(isPast, notPast);
export const PartReading = z.strictObject({ version, asOf }).refine(isPast, notPast);

/** What any list of what is published is narrowed and ordered by. */
export const selection = {
  section: Slug.optional().meta({ description: "The slug of a section.", examples: ["world"] }),
  tag: Slug.optional().meta({ description: "The slug of a tag.", examples: ["diplomacy"] }),
  author: Slug.optional().meta({ description: "The slug of an author.", examples: ["ana-lima"] }),
  language: Language.optional().meta({ description: "A language tag.", examples: ["en"] }),
  ids: commaList(Id, MAX_IDS)
    .transform((ids) => [...new Set(ids)])
    .optional()
    .meta({
      description: `Up to ${MAX_IDS} ids parted by commas; the answer keeps their order, and lists say which are \`missing\`.`,
      examples: ["0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e"],
    }),
  publishedAfter: DayOrTime.optional().meta({
    description: "Published later than this.",
    examples: ["2025-04-10"],
  }),
  publishedBefore: DayOrTime.optional().meta({
    description: "Published earlier than this.",
    examples: ["2100-04-11"],
  }),
  updatedAfter: DayOrTime.optional().meta({
    description: "Changed later than this.",
    examples: ["2025-04-10T09:30:00Z"],
  }),
  q: Search.optional(),
  sort: z
    .enum(["newest", "oldest", "updated", "mostShared", "relevance"])
    .optional()
    .meta({
      description:
        "The order. `relevance` goes with `q` and is then the default, otherwise `newest` is. `mostShared` lists " +
        "what was shared within `window`, the most shared first, then the newest.",
      examples: ["newest"],
    }),
  window: z
    .enum(["1h", "24h", "7d", "all"])
    .optional()
    .meta({
      description:
        "Only with `sort=mostShared`; `all` when absent. `all` goes by the total of all networks. The others " +
        "go by the shares recorded here in the present hour and the 1, 24 or 168 full hours before it; a count " +
        "that was set is not among them, since nobody knows when its shares were made.",
      examples: ["24h"],
    }),
};
type Selection = z.output<z.ZodObject<typeof selection>>;

/** What does not go together in a selection. */
export function checkSelection({
  value: { ids, q, sort, window, cursor },
  issues,
}: z.core.ParsePayload<Selection & { cursor?: string | undefined }>): void {
  const refuse = (path: string, message: string) => {
    issues.push({ code: "custom", path: [path], message, input: undefined });
  };
  if (window !== undefined && sort !== "mostShared") refuse("window", "goes with sort=mostShared");
  if (ids !== undefined && cursor !== undefined) refuse("cursor", "does not go with ids");
  if (ids !== undefined && q !== undefined) refuse("q", "does not go with ids");
  if (q === undefined && sort === "relevance") refuse("sort", "can be relevance only with q");
  if (q !== undefined && sort === "mostShared") refuse("sort", "cannot be mostShared with q");
}

/** Whom a list is for follows from the key, not from the query, and is anyone until that is known. */
const toPublic = { audience: everyone };

/** A selection with the order that it has when none is named. */
export function ordered<Query extends Selection>({ q, sort, ...query }: Query) {
  return q === undefined
    ? { ...toPublic, ...query, q, sort: sort === undefined || sort === "relevance" ? "newest" : sort }
    : { ...toPublic, ...query, q, sort: sort === undefined || sort === "mostShared" ? "relevance" : sort };
}

export const ArticleQuery = z
  .strictObject({
    ...pageParameters,
    version,
    asOf,
    ...selection,
    // Not by reference, beside which a parameter's description and example would be lost.
    status: z
      .enum(Status.options)
      .optional()
      .meta({ description: "Only with `version=draft`.", examples: ["draft"] }),
    fields: chosenFields(ArticleSummary.shape),
    format: listFormat,
  })
  .check(checkSelection)
  .refine((query) => query.status === undefined || query.version === "draft", {
    path: ["status"],
    message: "goes with version=draft",
  })
  .refine((query) => query.sort !== "mostShared" || query.version === "published", {
    path: ["sort"],
    message: "mostShared does not go with version=draft: working copies are not shared",
  })
  .refine((query) => query.q === undefined || query.version === "published", {
    path: ["q"],
    message: "searches what is published: it does not go with version=draft",
  })
  .refine(isPast, notPast)
  .refine((query) => query.asOf === undefined || query.q === undefined, {
    path: ["q"],
    message: "searches what is published now: it does not go with asOf",
  })
  .refine((query) => query.asOf === undefined || query.sort !== "mostShared", {
    path: ["sort"],
    message: "cannot be mostShared with asOf: how often what was shared by then is not known",
  })
  .refine((query) => query.asOf === undefined || query.sort !== "relevance", {
    path: ["sort"],
    message: "cannot be relevance with asOf, which does not go with a search",
  })
  .transform(ordered);
export type ArticleQuery = z.output<typeof ArticleQuery>;
/** A list without a search, and one with. */
export type PlainQuery = Extract<ArticleQuery, { q: undefined }>;
export type SearchQuery = Extract<ArticleQuery, { q: string }>;

const example = ArticleSummary.meta()?.examples;

export const ArticleList = z
  .object({
    data: z.array(ArticleSummary),
    missing: z
      .array(z.object({ id: Id, reason: z.enum(["not-found", "gone", "filtered"]) }))
      .optional()
      .describe("With `ids`: those that are not in `data`, and why."),
    page: Page,
  })
  .meta({ id: "ArticleList", examples: [{ data: example ?? [], page: { limit: 20, next: null } }] });

const Moment = Time.optional();
const Correction = text(2000);

export const PublishInput = z
  .strictObject({
    at: Moment.describe("When readers are to get it; at once if absent."),
    correction: Correction.optional().describe("What the edition puts right, in the words that readers see."),
  })
  .nullish()
  .meta({ id: "PublishWrite", examples: [{ at: "2100-01-01T06:00:00Z" }] });

export const UnpublishInput = z
  .strictObject({ at: Moment.describe("When readers are to lose it; at once if absent.") })
  .nullish()
  .meta({ id: "UnpublishWrite", examples: [{}] });

export const dryRun = z
  .enum(["true", "false"])
  .default("false")
  .transform((value) => value === "true")
  .meta({ description: "`true` says what it would do, and does nothing.", examples: ["false"] });

export const PublishReport = z
  .object({
    possible: z.boolean().describe("Whether it can be published so."),
    version: z.int().nullable().describe("The number that the edition would have."),
    liveFrom: TimeOut.nullable().describe("When readers would get it."),
    problems: z
      .array(z.object({ pointer: z.string(), detail: z.string() }))
      .describe(
        "What speaks against it, and what readers would miss; only what makes it impossible forbids it.",
      ),
    changes: z.array(z.string()).describe("What the change log, and so every partner, would be told."),
    purges: z.array(z.string()).describe("The surrogate keys that caches would be told to drop."),
  })
  .meta({
    id: "PublishReport",
    examples: [
      {
        possible: true,
        version: 2,
        liveFrom: "2025-04-10T09:30:00.000Z",
        problems: [{ pointer: "#/body/1/alt", detail: "is empty: who cannot see the image misses it" }],
        changes: ["updated"],
        purges: ["0199b2a05f5a7c119d0e6f1b8a3c2d4e"],
      },
    ],
  });
