import { z } from "zod";
import { Article, articleExample } from "../articles/schema.ts";
import { listOf } from "../http/paging.ts";
import { Id, TimeOut } from "../http/scalars.ts";

/** Everything that makes a revision of a working copy. */
export const actions = {
  created: "It was made.",
  imported: "It was made of what was saved elsewhere.",
  changed: "It was changed or replaced, or something inside it was.",
  published: "An edition was made of it, whose number is `edition`.",
  scheduled: "An edition was made of it, to be published at a time to come.",
  unpublished: "It was taken from readers.",
  trashed: "It was put into the trash.",
  recovered: "It was taken out of the trash.",
  restored: "It got the content of the revision `restoredFrom` again.",
  recorded: "It is older than revisions are kept; so it stood before its next change.",
} as const;

export type RevisionAction = keyof typeof actions;
const actionNames = Object.keys(actions) as [RevisionAction, ...RevisionAction[]];

const keyId = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const by = { id: keyId, name: "Night desk" };

export const By = z
  .object({
    id: Id.nullable().describe("The key's id; null for Dateline itself."),
    name: z.string().describe("The key's name at the time."),
  })
  .meta({ id: "By", description: "Who did it." });

const revisionShape = {
  number: z.int().min(1).describe("The number that the ETag of the working copy began with from then on."),
  action: z.enum(actionNames).meta({
    id: "RevisionAction",
    description: Object.entries(actions)
      .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
      .join(" "),
  }),
  changed: z
    .array(z.string())
    .describe(
      "JSON Pointers to what differs from the revision before: `/headline`, `/keyPoints/{id}` for an item that was added, removed or changed (tags go by slug), `/keyPoints` when the order changed, or more than 100 items.",
    ),
  edition: z.int().min(1).nullable().describe("The edition that was published of it."),
  restoredFrom: z.int().min(1).nullable(),
  by: By,
  createdAt: TimeOut,
};
const example = {
  number: 7,
  action: "changed" as const,
  changed: ["/headline", `/keyPoints/${keyId}`],
  edition: null,
  restoredFrom: null,
  by,
  createdAt: "2025-04-10T09:30:00.000Z",
};

export const Revision = z.object(revisionShape).meta({ id: "Revision", examples: [example] });
export type Revision = z.output<typeof Revision>;

export const RevisionList = listOf(Revision).meta({
  id: "RevisionList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

/** The part of an article that is its working copy's own. */
const content = {
  slug: true,
  headline: true,
  standfirst: true,
  dateline: true,
  language: true,
  section: true,
  tags: true,
  authors: true,
  body: true,
  keyPoints: true,
  relatedLinks: true,
  publishedAt: true,
  embargoedUntil: true,
  expiresAt: true,
} as const;
const RevisionContent = Article.pick(content).meta({
  id: "RevisionContent",
  description:
    "The working copy as it was. Related links stand as they were written: `title` and `url` do not follow `articleId`.",
});
export type RevisionContent = z.output<typeof RevisionContent>;

const article = RevisionContent.parse(articleExample);
export const RevisionDetail = z
  .object({ ...revisionShape, article: RevisionContent })
  .meta({ id: "RevisionDetail", examples: [{ ...example, article }] });

const Words = z
  .array(
    z.object({
      change: z.enum(["same", "added", "removed"]),
      text: z.string(),
    }),
  )
  .describe(
    "The text word by word: `same` and `removed` together are the old one, `same` and `added` the new one.",
  );

const change = {
  from: z.unknown().describe("What it was."),
  to: z.unknown().describe("What it is."),
  words: Words.optional().describe("Where both are text."),
};
const FieldChange = z.object({ field: z.string(), ...change });

const ItemChange = z.object({
  id: z.string().describe("The item's id; a tag's slug."),
  changes: z.array(z.enum(["added", "removed", "changed", "moved"])).describe("What became of it."),
  fromPosition: z.int().nullable().describe("Its place in the older list; null when it was not there."),
  toPosition: z.int().nullable(),
  from: z.unknown().describe("The item as it was; null when it was not there."),
  to: z.unknown(),
  fields: z.array(FieldChange).describe("What differs inside it, where it is in both."),
});

const diffExample = {
  from: { ...example, number: 6 },
  to: example,
  fields: [
    {
      field: "headline",
      from: "Talks begin",
      to: "Talks conclude",
      words: [
        { change: "same" as const, text: "Talks " },
        { change: "removed" as const, text: "begin" },
        { change: "added" as const, text: "conclude" },
      ],
    },
  ],
  lists: [
    {
      field: "tags",
      items: [
        {
          id: "diplomacy",
          changes: ["added" as const],
          fromPosition: null,
          toPosition: 0,
          from: null,
          to: "diplomacy",
          fields: [],
        },
      ],
    },
  ],
};

export const RevisionDiff = z
  .object({
    from: Revision,
    to: Revision,
    fields: z.array(FieldChange).describe("The fields that differ."),
    lists: z
      .array(z.object({ field: z.string(), items: z.array(ItemChange) }))
      .describe(
        "The lists that differ, with those of their items that do, each told apart by its id. Items are `moved` when they stand elsewhere among those that both lists have; the fewest that explain the new order.",
      ),
  })
  .meta({ id: "RevisionDiff", examples: [diffExample] });
export type RevisionDiff = z.output<typeof RevisionDiff>;
export type FieldChange = z.output<typeof FieldChange>;
export type ItemChange = z.output<typeof ItemChange>;
export type Words = z.output<typeof Words>;
