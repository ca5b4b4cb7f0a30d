import { boundsOf, isGood } from "../access/keys.ts";
import { reaches } from "../access/reach.ts";
import type { Database, Prisma, Transaction } from "../database/client.ts";
import { concern } from "../database/transactions.ts";
import { problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { MAX_PREVIEWS } from "./schema.ts";

/** What a link opens, and until when. */
export interface Grant {
  articleId: string;
  expiresAt: Date;
}

const withKey = { key: true } as const;
type LinkRow = Prisma.PreviewGetPayload<{ include: typeof withKey }>;

/**
 * Makes a link to an article's working copy.
 *
 * @param keyId the key that makes it
 * @throws 409 when the article has as many as it may have
 */
export async function makeLink(
  tx: Transaction,
  articleId: string,
  keyId: string,
  expiresAt: Date,
): Promise<LinkRow> {
  if ((await tx.preview.count({ where: workingNow(articleId) })) >= MAX_PREVIEWS) {
    throw problem(
      "count-limit",
      `The article has ${MAX_PREVIEWS} links that work already; take one back first.`,
    );
  }
  return tx.preview.create({ data: { articleId, keyId, expiresAt }, include: withKey });
}

/** The links to an article that work now, the newest first. */
export async function workingLinks(tx: Transaction, articleId: string): Promise<LinkRow[]> {
  return tx.preview.findMany({
    where: workingNow(articleId),
    orderBy: { id: "desc" },
    take: MAX_PREVIEWS,
    include: withKey,
  });
}

/**
 * What a link opens now; undefined when it was taken back, when its time or its key's is over, and while its key may
 * not see the working copy itself.
 */
export async function openLink(tx: Transaction, id: string): Promise<Grant | undefined> {
  if (!isId(id)) return undefined;
  const row = await tx.preview.findUnique({
    where: { id },
    include: { key: { include: { sections: true } } },
  });
  if (row === null || row.expiresAt <= new Date() || !isGood(row.key)) return undefined;
  const { role, authorId, sections, ...maker } = row.key;
  const bounds = boundsOf(
    role,
    authorId,
    sections.map(({ sectionId }) => sectionId),
  );
  return (await reaches(tx, { ...maker, bounds }, row.articleId)) ? row : undefined;
}

/**
 * The link that is to be taken back.
 *
 * @throws 404 when the article has none with this id that works
 */
export async function findLink(tx: Transaction, articleId: string, id: string): Promise<LinkRow> {
  const row = isId(id)
    ? await tx.preview.findFirst({ where: { ...workingNow(articleId), id }, include: withKey })
    : null;
  if (row === null) throw problem("not-found", `The article has no link ${id} that works.`);
  return row;
}

/** Takes a link back; whoever has it is answered as if it never was. */
export async function takeBack(tx: Transaction, { id }: LinkRow): Promise<void> {
  concern(tx, "previews", id);
  await tx.preview.deleteMany({ where: { id } });
}

/** Forgets links whose time is over. */
export async function forgetLinks(database: Database): Promise<void> {
  await database.preview.deleteMany({ where: { expiresAt: { lte: new Date() } } });
}

export function presentLink({ id, createdAt, expiresAt, key }: LinkRow) {
  return {
    id,
    createdAt: createdAt.toISOString(),
    createdBy: { id: key.id, name: key.name },
    expiresAt: expiresAt.toISOString(),
  };
}

function workingNow(articleId: string): Prisma.PreviewWhereInput {
  const now = new Date();
  return {
    articleId,
    expiresAt: { gt: now },
    key: { revokedAt: null, OR: [{ expiresAt: null }, { expiresAt: { gt: now } }] },
  };
}
