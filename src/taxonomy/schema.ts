import { z } from "zod";
import { Id, Slug, TimeOut, text } from "../http/scalars.ts";
import { listOf } from "../http/paging.ts";

/** The longest list of tags or of authors on one article. */
export const MAX_TERMS = 50;

const Name = text(200);
const Description = text(2000).nullable();

/** What articles are filed under. The three kinds have one shape. */
export const kinds = {
  section: {
    plural: "sections",
    noun: "section",
    title: "Section",
    sample: { slug: "world", name: "World" },
  },
  tag: { plural: "tags", noun: "tag", title: "Tag", sample: { slug: "diplomacy", name: "Diplomacy" } },
  author: {
    plural: "authors",
    noun: "author",
    title: "Author",
    sample: { slug: "ana-lima", name: "Ana Lima" },
  },
} as const;

export type Kind = keyof typeof kinds;

export const TermInput = z
  .strictObject({
    name: Name,
    slug: Slug.optional().describe("Made from the name when absent. Fixed once an article uses it."),
    description: Description.optional(),
  })
  .meta({ id: "TermWrite", examples: [{ name: "World" }] });

export const TermPatch = z
  .strictObject({ name: Name.optional(), slug: Slug.optional(), description: Description.optional() })
  .meta({ id: "TermPatch", examples: [{ description: "News from abroad" }] });

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const times = { createdAt: "2025-04-10T09:30:00.000Z", updatedAt: "2025-04-10T09:30:00.000Z" };

function termSchemas(kind: Kind) {
  const { title, sample } = kinds[kind];
  const example = { id, ...sample, description: null, ...times };
  const Term = z
    .object({
      id: Id,
      slug: Slug,
      name: Name,
      description: Description,
      createdAt: TimeOut,
      updatedAt: TimeOut,
    })
    .meta({ id: title, examples: [example] });
  const TermList = listOf(Term).meta({
    id: `${title}List`,
    examples: [{ data: [example], page: { limit: 20, next: null } }],
  });
  return { Term, TermList };
}

export const termSchemasOf = {
  section: termSchemas("section"),
  tag: termSchemas("tag"),
  author: termSchemas("author"),
};

/** Names a section, tag or author from within an article: by slug, by id, or by what to make. */
export const TermReference = z
  .union([
    Slug,
    z
      .strictObject({ id: Id.optional(), slug: Slug.optional(), name: Name.optional() })
      .refine((term) => term.id !== undefined || term.slug !== undefined || term.name !== undefined, {
        message: "must have an id, a slug or a name",
      }),
  ])
  .meta({
    id: "TermReference",
    description:
      "The slug of one that exists, or an object. An object with `id` or `slug` names one that exists; one with a `name` is made when there is none with its slug.",
    examples: ["diplomacy", { name: "Diplomacy" }],
  });

export type TermReference = z.output<typeof TermReference>;
