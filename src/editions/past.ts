import type { FastifyRequest } from "fastify";
import { type Audience, audienceOf } from "../access/audience.ts";
import { titleKey } from "../articles/titles.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { withdrawn } from "../desk/withdrawals.ts";
import { publicCaching } from "../http/caching.ts";
import { type Problem, invalidParameter, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import type { Newsroom } from "../newsroom.ts";
import { type EditionDocument, type LiveLink, renderEdition, withShares } from "./document.ts";
import { entitledTo } from "./entitled.ts";
import { conjunction } from "./listings.ts";
import { withTargets } from "./live.ts";
import { brief } from "./read.ts";

/** An edition that readers saw at some moment. */
export interface PastEdition {
  article_id: string;
  document: EditionDocument;
  /** The ids of its section, tags and authors. */
  terms: string[];
  live_from: Date;
}

export const pastColumns = Prisma.sql`e.article_id, e.document, e.terms, e.live_from`;

/**
 * That an edition e was what readers saw at a moment: that lies in its span, no later edition had
 * come by then that has yet to end it (a planned one is there at its second, and what follows from
 * it a little later), and its article has not been withdrawn for good since.
 */
export const wasLive = (asOf: string) => Prisma.sql`
  e.live_from <= ${asOf}::timestamptz AND (e.live_until IS NULL OR e.live_until > ${asOf}::timestamptz)
  AND NOT EXISTS (
    SELECT FROM planned_editions n
    WHERE n.article_id = e.article_id AND n.version > e.version AND n.live_from <= ${asOf}::timestamptz OFFSET 0)
  AND e.article_id <> ALL (ARRAY(SELECT article_id FROM withdrawals))`;

/** That an edition e was what an audience, as it is now, would have seen at a moment. */
export const wasSeen = ({ asOf, audience }: { asOf: string; audience: Audience }): Prisma.Sql[] => [
  wasLive(asOf),
  ...entitledTo(audience, "edition", "e"),
];

/**
 * Refuses a moment that has not come: what is planned for it is nobody's to know. The database's
 * clock decides, as it does over what is live.
 *
 * @throws 400
 */
export async function requirePast(tx: Transaction, asOf: string): Promise<void> {
  const [{ lies_ahead }] = await tx.$queryRaw<[{ lies_ahead: boolean }]>`
    SELECT ${asOf}::timestamptz > now() AS lies_ahead`;
  if (!lies_ahead) return;
  throw invalidParameter([
    { pointer: "asOf", detail: "must not be in the future: nobody has seen yet what readers will see then" },
  ]);
}

/**
 * What the public saw of an article at a moment that has passed.
 *
 * @param reference its id, or any slug that it was published under, before that moment or after
 * @returns its public JSON, without shares, and the headers for it
 * @throws 400 when the moment lies ahead, 404 when the article was not published by then, 410 when
 *   it was and could not be read then, 451 when it has been withdrawn for good
 */
export async function readPast(
  newsroom: Newsroom,
  request: Pick<FastifyRequest, "caller">,
  reference: string,
  asOf: string,
): Promise<{ json: string; headers: Record<string, string> }> {
  const { database } = newsroom;
  const audience = audienceOf(request);
  await requirePast(database, asOf);
  const id = isId(reference) ? reference.toLowerCase() : await holderOf(database, reference);
  if (id === undefined) throw neverPublished(reference, asOf);
  const [edition] = await database.$queryRaw<PastEdition[]>`
    SELECT ${pastColumns} FROM editions e
    WHERE ${conjunction([Prisma.sql`e.article_id = ${id}::uuid`, ...wasSeen({ asOf, audience })])}`;
  if (edition === undefined) throw await whyAbsentThen(database, id, reference, { asOf, audience });
  const linksOf = await pastLinks(database, [edition], { asOf, audience });
  const links = linksOf(edition);
  const { document, summary } = renderEdition(edition.document, links, newsroom.articleAddress);
  const linked = links.flatMap(({ targetId, target }) => (target === null ? [] : (targetId ?? [])));
  return {
    json: withShares(audience.entitlement?.content === "summary" ? summary : document, {}),
    headers: pastCaching(request, newsroom, [id, ...linked, ...edition.terms], asOf),
  };
}

/** What editions are listed by: their JSON without bodies and shares, links as they were then. */
export async function pastSummaries(
  { database, articleAddress }: Newsroom,
  editions: readonly PastEdition[],
  at: { asOf: string; audience: Audience },
): Promise<string[]> {
  const linksOf = await pastLinks(database, editions, at);
  return editions.map((edition) =>
    withShares(renderEdition(edition.document, linksOf(edition), articleAddress).summary, {}),
  );
}

/** How long after a moment a transaction may still commit what was live from then on, in milliseconds. */
const SETTLED_AFTER = 60_000;
/** The past changes only when something is withdrawn for good, in seconds. */
const PAST_MAX_AGE = 300;

/**
 * The headers of an answer about the past. Caches may keep it for minutes once it can change no
 * more; one that is told of what was withdrawn drops it by its groups.
 */
export function pastCaching(
  request: Pick<FastifyRequest, "caller">,
  newsroom: Newsroom,
  groups: readonly string[],
  asOf: string,
): Record<string, string> {
  const headers = publicCaching(request, newsroom, groups);
  if (request.caller !== null || Date.now() - Date.parse(asOf) < SETTLED_AFTER) return headers;
  const age = Math.max(PAST_MAX_AGE, newsroom.config.DATELINE_MAX_AGE);
  return { ...headers, "cache-control": `public, max-age=${age}` };
}

/** The article that readers have seen under a slug. */
async function holderOf(tx: Transaction, slug: string): Promise<string | undefined> {
  const [held] = await tx.$queryRaw<{ article_id: string }[]>`
    SELECT coalesce(article_id, tombstone_id) AS article_id
    FROM slugs WHERE slug = ${slug} AND published_at <= now()`;
  return held?.article_id;
}

/** As of editions that are live (`whyAbsent` in read.ts), whoever was not entitled to the last by then is told of none. */
async function whyAbsentThen(
  tx: Transaction,
  id: string,
  reference: string,
  { asOf, audience }: { asOf: string; audience: Audience },
): Promise<Problem> {
  if (audience.entitlement !== null && !(await wasEntitledBy(tx, id, { asOf, audience })))
    return neverPublished(reference, asOf);
  const [known] = await tx.$queryRaw<
    [{ was_live_by_then: boolean; is_withdrawn: boolean; reason: string | null }]
  >`
    SELECT EXISTS (SELECT FROM editions WHERE article_id = ${id}::uuid AND live_from <= ${asOf}::timestamptz)
             OR EXISTS (SELECT FROM slugs WHERE tombstone_id = ${id}::uuid AND published_at <= ${asOf}::timestamptz)
             AS was_live_by_then,
           EXISTS (SELECT FROM editions JOIN withdrawals USING (article_id)
                   WHERE article_id = ${id}::uuid AND live_from <= now())
             OR EXISTS (SELECT FROM tombstones JOIN withdrawals USING (article_id) WHERE article_id = ${id}::uuid)
             AS is_withdrawn,
           (SELECT public_reason FROM withdrawals WHERE article_id = ${id}::uuid) AS reason`;
  if (known.is_withdrawn) return withdrawn(id, known.reason);
  if (!known.was_live_by_then) return neverPublished(reference, asOf);
  return problem("gone", `The article ${reference} had been published and was no more at ${asOf}.`, {
    headers: { ...brief, "surrogate-key": id.replaceAll("-", "") },
  });
}

async function wasEntitledBy(
  tx: Transaction,
  id: string,
  { asOf, audience }: { asOf: string; audience: Audience },
): Promise<boolean> {
  const [last] = await tx.$queryRaw<unknown[]>`
    SELECT FROM (
      SELECT * FROM editions WHERE article_id = ${id}::uuid AND live_from <= ${asOf}::timestamptz
      ORDER BY version DESC LIMIT 1
    ) e WHERE ${conjunction(entitledTo(audience, "edition", "e"))}`;
  return last !== undefined;
}

function neverPublished(reference: string, asOf: string): Problem {
  return problem("not-found", `No article ${reference} had been published by ${asOf}.`, { headers: brief });
}

/** Where the links of editions led at a moment: a function that tells it of each edition. */
async function pastLinks(
  tx: Transaction,
  editions: readonly PastEdition[],
  at: { asOf: string; audience: Audience },
) {
  const bound = await boundByTitle(tx, editions, at.asOf);
  const hanging = new Map(
    editions.map(({ article_id, document }) => [
      article_id,
      document.relatedLinks
        .filter(({ url }) => url === null)
        .map(({ id, articleId }) => ({ linkId: id, targetId: articleId ?? bound.get(id) ?? null })),
    ]),
  );
  const ids = [...new Set([...hanging.values()].flat().flatMap(({ targetId }) => targetId ?? []))];
  const targets =
    ids.length === 0
      ? []
      : await tx.$queryRaw<{ article_id: string; headline: string; slug: string }[]>`
          SELECT e.article_id, e.document->>'headline' AS headline, e.document->>'slug' AS slug
          FROM editions e
          WHERE ${conjunction([Prisma.sql`e.article_id = ANY (${ids}::uuid[])`, ...wasSeen(at)])}`;
  const byId = new Map(targets.map((target) => [target.article_id, target]));
  return ({ article_id }: PastEdition): LiveLink[] => withTargets(hanging.get(article_id) ?? [], byId);
}

/**
 * The articles that bare titles led to: of each, the first that readers saw under that headline
 * while the edition was theirs. A link stays with it under later headlines.
 */
async function boundByTitle(
  tx: Transaction,
  editions: readonly PastEdition[],
  asOf: string,
): Promise<Map<string, string>> {
  const bare = editions.flatMap(({ article_id, document, live_from }) =>
    document.relatedLinks
      .filter(({ url, articleId }) => url === null && articleId === null)
      .map(({ id, title }) => ({
        link: id,
        key: titleKey(title ?? ""),
        since: live_from.toISOString(),
        article: article_id,
      })),
  );
  if (bare.length === 0) return new Map();
  const found = await tx.$queryRaw<{ link: string; article_id: string }[]>`
    SELECT b.link, first.article_id
    FROM jsonb_to_recordset(${JSON.stringify(bare)}::jsonb) AS b (link uuid, key text, since timestamptz, article uuid)
    CROSS JOIN LATERAL (
      SELECT e.article_id FROM editions e
      WHERE e.title_key = b.key AND e.article_id <> b.article
        AND e.live_from <= ${asOf}::timestamptz AND (e.live_until IS NULL OR e.live_until > b.since)
      ORDER BY greatest(e.live_from, b.since), e.published_at DESC LIMIT 1
    ) first`;
  return new Map(found.map(({ link, article_id }) => [link, article_id]));
}
