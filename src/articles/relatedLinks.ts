import type { z } from "zod";
import { withinSight } from "../access/reach.ts";
import type { Transaction } from "../database/client.ts";
import { type FieldError, pathPointer } from "../http/problems.ts";
import { idErrors } from "./ids.ts";
import type { RelatedLinkItem } from "./schema.ts";
import { titleKey } from "./titles.ts";
import { type LinkTarget, type RelatedLink, linkTarget, linkTargetFields, newId } from "./workingCopy.ts";

/** Where readers find an article: the setting DATELINE_ARTICLE_URL with the slug in it. */
export type ArticleAddress = (slug: string) => string;

export function articleAddress(template: string): ArticleAddress {
  return (slug) => template.replace("{slug}", slug);
}

/**
 * The related links that a sent list makes. An item that names the id of an existing link keeps
 * what it leaves out. A bare title leads to the article that is live with that headline, if any.
 *
 * @param ofArticle the article that the links are of; a bare title does not lead to it
 * @param place where in the body the list stands, for the errors
 */
export async function relatedLinksFrom(
  tx: Transaction,
  ofArticle: string,
  current: readonly RelatedLink[],
  items: readonly z.output<typeof RelatedLinkItem>[],
  place: readonly PropertyKey[],
): Promise<{ relatedLinks: RelatedLink[]; errors: FieldError[] }> {
  const known = new Map(current.map((link) => [link.id, link]));
  const errors = await idErrors(
    tx,
    "relatedLink",
    ofArticle,
    current,
    items.map(({ id }) => id),
    place,
  );
  const drafts = items.map((item) => draftOf(known.get(item.id ?? ""), item));
  const targets = await findTargets(tx, ofArticle, current, drafts);
  const slugs = await heldSlugs(tx, drafts);
  const relatedLinks = drafts.map(({ articleId, ...draft }, index) => {
    const target = targets.get(articleId ?? titleKey(draft.title ?? "")) ?? null;
    const fault = faultOf({ ...draft, articleId, target }, slugs.get(articleId ?? "") ?? []);
    if (fault !== undefined)
      errors.push({ pointer: pathPointer([...place, index, ...fault.at]), detail: fault.detail });
    if (articleId === null && draft.url !== null) return { ...draft, target: null };
    return { ...draft, url: null, target };
  });
  return { relatedLinks, errors };
}

interface LinkDraft {
  id: string;
  kind: RelatedLink["kind"];
  title: string | null;
  url: string | null;
  articleId: string | null;
}

/**
 * An item over the link that it changes. Naming a new url or article drops the other; the headline
 * that a link shows, sent back, is no title of its own.
 */
function draftOf(existing: RelatedLink | undefined, item: z.output<typeof RelatedLinkItem>): LinkDraft {
  const { id, kind, title, url, articleId } = item;
  const kept = {
    title: existing?.title ?? null,
    url: existing?.url ?? null,
    articleId: existing?.target?.id ?? null,
  };
  const namesUrl = url !== undefined && url !== null && articleId === undefined && existing !== undefined;
  const namesArticle = articleId !== undefined && articleId !== null && url === undefined;
  const draft = {
    id: id ?? newId(),
    kind: kind ?? existing?.kind ?? "alsoRead",
    title: title === undefined ? kept.title : title,
    url: namesArticle ? null : url === undefined ? kept.url : url,
    articleId: namesUrl ? null : articleId === undefined ? kept.articleId : articleId,
  };
  const isShown =
    draft.articleId !== null &&
    draft.articleId === kept.articleId &&
    title === shownOf(existing?.target ?? null)?.headline;
  return isShown ? { ...draft, title: kept.title } : draft;
}

/** The headline and slug that a link to an article shows: the live ones, or the working copy's to who may see that. */
function shownOf(target: LinkTarget | null) {
  return target?.publication ?? (target?.isHidden === true ? null : target);
}

function faultOf(
  link: Omit<LinkDraft, "id" | "kind"> & { target: LinkTarget | null },
  slugs: readonly string[],
) {
  if (link.articleId !== null && link.target === null)
    return { at: ["articleId"], detail: "is not the id of an article" };
  if (link.articleId !== null && link.url !== null && !follows(link.url, slugs)) {
    return { at: ["url"], detail: "must be left out when articleId is named: it follows the article" };
  }
  if (link.articleId === null && link.url === null && link.title === null) {
    return { at: [], detail: "must name a url, an articleId or a title" };
  }
  return undefined;
}

/**
 * A link that is sent back as it was fetched names the article's address beside its id, which may have become another
 * since.
 */
function follows(url: string, slugs: readonly string[]): boolean {
  const parts = url.split(/[/?#&=]/);
  return slugs.some((slug) => parts.includes(slug));
}

/** The slugs, present and former, of the articles that are named beside an address, by their ids. */
async function heldSlugs(tx: Transaction, drafts: readonly LinkDraft[]): Promise<Map<string, string[]>> {
  const ids = drafts.flatMap(({ articleId, url }) => (url === null ? [] : (articleId ?? [])));
  if (ids.length === 0) return new Map();
  const held = await tx.slug.findMany({
    where: { articleId: { in: ids } },
    select: { articleId: true, slug: true },
  });
  return new Map(
    ids.map((id) => [id, held.flatMap(({ articleId, slug }) => (articleId === id ? slug : []))]),
  );
}

/**
 * The articles that links lead to, by id, and by title for those that have a title alone. A link
 * keeps its article even when that is in the trash; a new one cannot lead there.
 */
async function findTargets(
  tx: Transaction,
  ofArticle: string,
  current: readonly RelatedLink[],
  drafts: readonly LinkDraft[],
): Promise<Map<string, LinkTarget>> {
  const ids = drafts.flatMap(({ articleId }) => articleId ?? []);
  const titles = drafts
    .filter(({ articleId, url }) => articleId === null && url === null)
    .flatMap(({ title }) => (title === null ? [] : titleKey(title)));
  const found = new Map(
    current.flatMap(({ target }): [string, LinkTarget][] => (target === null ? [] : [[target.id, target]])),
  );
  if (titles.length > 0) {
    const live = await tx.publication.findMany({
      where: { titleKey: { in: titles }, liveFrom: { lte: new Date() }, NOT: { articleId: ofArticle } },
      orderBy: { publishedAt: "asc" },
      select: { titleKey: true, article: { select: linkTargetFields } },
    });
    for (const { titleKey: key, article } of live) found.set(key, linkTarget(article));
  }
  for (const article of await linkTargets(tx, await withinSight(tx, ids))) found.set(article.id, article);
  return found;
}

/** The articles with these ids, those in the trash left out, as links to them need them. */
export async function linkTargets(tx: Transaction, ids: readonly string[]): Promise<LinkTarget[]> {
  if (ids.length === 0) return [];
  const where = { id: { in: [...ids] }, deletedAt: null };
  return (await tx.article.findMany({ where, select: linkTargetFields })).map(linkTarget);
}

/** A link as editors see it: one to an article shows that article's headline and address. */
export function presentLink(link: RelatedLink, position: number, address: ArticleAddress) {
  const { id, kind, target } = link;
  const shown = shownOf(target);
  return {
    id,
    kind,
    title: shown === null ? link.title : shown.headline,
    url: shown === null ? link.url : address(shown.slug),
    articleId: target?.id ?? null,
    ...(target === null || target.isHidden === true ? {} : { targetStatus: statusOf(target) }),
    position,
  };
}

/** The status of an article that a link leads to; what is in the trash is deleted. */
export function statusOf({
  status,
  deletedAt,
}: Pick<LinkTarget, "status" | "deletedAt">): LinkTarget["status"] | "deleted" {
  return deletedAt === null ? status : "deleted";
}
