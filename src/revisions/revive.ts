import { linkTargets } from "../articles/relatedLinks.ts";
import { type LinkTarget, type WorkingCopy, hideTargets } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { actorOf } from "../database/transactions.ts";
import { type FieldError, pathPointer } from "../http/problems.ts";
import { type Kind, kinds } from "../taxonomy/schema.ts";
import { type Term, termsById } from "../taxonomy/store.ts";
import type { KeptCopy } from "./content.ts";

/**
 * Makes a working copy of a kept one, with its terms and the articles that its links lead to as
 * they are now. What is there no more is stood in for by what was kept of it, and named among the errors.
 *
 * @param present the working copy of now, whose links may go on leading into the trash
 */
export async function revive(
  tx: Transaction,
  kept: KeptCopy,
  present: WorkingCopy,
): Promise<{ copy: WorkingCopy; errors: FieldError[] }> {
  const errors: FieldError[] = [];
  const termsOf = async (kind: Kind, terms: KeptCopy["tags"], place: (index: number) => PropertyKey[]) => {
    const found = await termsById(
      tx,
      kind,
      terms.map(({ id }) => id),
    );
    const known = new Map(found.map((term) => [term.id, term]));
    return terms.map((term, index): Term => {
      const standIn = { ...term, description: null, createdAt: new Date(0), updatedAt: new Date(0) };
      const { slug, name } = term;
      if (!known.has(term.id)) {
        errors.push({
          pointer: pathPointer(place(index)),
          detail: `is the ${kinds[kind].noun} ${slug} ("${name}"), which has been deleted since`,
        });
      }
      return known.get(term.id) ?? standIn;
    });
  };
  const [section = null] = await termsOf("section", kept.section === null ? [] : [kept.section], () => [
    "section",
  ]);
  const tags = await termsOf("tag", kept.tags, (index) => ["tags", index]);
  const authors = await termsOf("author", kept.authors, (index) => ["authors", index]);

  const ids = kept.relatedLinks.flatMap(({ articleId }) => articleId ?? []);
  const targets = new Map(
    [...present.relatedLinks.flatMap(({ target }) => target ?? []), ...(await linkTargets(tx, ids))].map(
      (target) => [target.id, target],
    ),
  );
  const relatedLinks = kept.relatedLinks.map(({ articleId, ...link }, index) => {
    if (articleId === null) return { ...link, target: null };
    const target = targets.get(articleId);
    if (target === undefined) {
      errors.push({
        pointer: pathPointer(["relatedLinks", index, "articleId"]),
        detail: `is the article ${articleId}, which has been deleted since`,
      });
    }
    const standIn: LinkTarget = {
      id: articleId,
      headline: "",
      slug: "",
      status: "unpublished",
      deletedAt: null,
      publication: null,
    };
    return { ...link, target: target ?? standIn };
  });
  const { publishedAt, embargoedUntil, expiresAt } = kept;
  const times = {
    publishedAt: momentOf(publishedAt),
    embargoedUntil: momentOf(embargoedUntil),
    expiresAt: momentOf(expiresAt),
  };
  const copy = { ...kept, ...times, section, tags, authors, relatedLinks };
  await hideTargets(tx, actorOf(tx), [{ copy }]);
  return { copy, errors };
}

function momentOf(text: string | null): Date | null {
  return text === null ? null : new Date(text);
}
