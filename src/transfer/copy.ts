import type { LinkTarget, WorkingCopy } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { type Term, tableOf } from "../taxonomy/store.ts";
import type { ArticleLine } from "./schema.ts";

/** The working copy that a line tells of. */
export function workingCopyOf(line: ArticleLine, terms: ReadonlyMap<string, Term>): WorkingCopy {
  const { slug, headline, standfirst, dateline, language, body, keyPoints } = line;
  const find = (id: string) => terms.get(id) ?? [];
  return {
    slug,
    headline,
    standfirst,
    dateline,
    language,
    body,
    keyPoints,
    publishedAt: momentOf(line.publishedAt),
    embargoedUntil: momentOf(line.embargoedUntil),
    expiresAt: momentOf(line.expiresAt),
    section: line.section === null ? null : (terms.get(line.section) ?? null),
    tags: line.tags.flatMap(find),
    authors: line.authors.flatMap(find),
    relatedLinks: line.relatedLinks.map(({ articleId, ...link }) => ({
      ...link,
      target: articleId === null ? null : target(articleId),
    })),
  };
}

function momentOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}

/** Of what a link leads to its id is written, nothing else. */
function target(id: string): LinkTarget {
  return { id, headline: "", slug: "", status: "draft", deletedAt: null, publication: null };
}

/** The terms that articles are filed under, by their ids. */
export async function termsOf(tx: Transaction, lines: ArticleLine[]): Promise<Map<string, Term>> {
  const named = {
    section: lines.flatMap(({ section }) => section ?? []),
    tag: lines.flatMap(({ tags }) => tags),
    author: lines.flatMap(({ authors }) => authors),
  };
  const found: Term[] = [];
  for (const kind of ["section", "tag", "author"] as const)
    found.push(...(await tableOf(tx, kind).findMany({ where: { id: { in: named[kind] } } })));
  return new Map(found.map((term) => [term.id, term]));
}
