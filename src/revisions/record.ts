import type { StoredArticle } from "../articles/workingCopy.ts";
import { Prisma, type Transaction } from "../database/client.ts";
import { actorOf, runPrepared } from "../database/transactions.ts";
import { insertRow } from "../database/insert.ts";
import { changedPointers } from "./changes.ts";
import { type KeptCopy, type Keyframe, difference, keptCopy, whole } from "./content.ts";
import type { RevisionAction } from "./schema.ts";

/** What was done to make a revision. */
export interface Deed {
  action: RevisionAction;
  /** The revision whose content was taken up again. */
  restoredFrom?: number;
}

/**
 * Keeps how a write left a working copy, and who did what. To be called once for each time that an
 * article's `revision` is counted up, in the same transaction and with the article locked.
 *
 * @param before the article as the write found it; undefined when the write made it
 */
export async function recordRevision(
  tx: Transaction,
  before: StoredArticle | undefined,
  after: StoredArticle,
  deed: Deed,
): Promise<void> {
  const copy = keptCopy(after.copy);
  if (before === undefined) {
    await insert(tx, after, copy, undefined, { ...deed, ...by(tx), changed: [] });
    return;
  }
  const old = keptCopy(before.copy);
  const keyframe = (await keyframeOf(tx, before)) ?? (await begin(tx, before, old));
  await insert(tx, after, copy, keyframe, {
    ...deed,
    ...by(tx),
    changed: changedPointers(old, copy),
    edition: after.row.version > before.row.version ? after.row.version : null,
  });
}

function by(tx: Transaction) {
  const { id, name } = actorOf(tx);
  return { actorId: id, actorName: name };
}

async function keyframeOf(tx: Transaction, { row }: StoredArticle): Promise<Keyframe | undefined> {
  const [found] = await runPrepared<Keyframe>(
    tx,
    Prisma.sql`
      SELECT keyframe.number, keyframe.content
      FROM revisions latest JOIN revisions keyframe
        ON keyframe.article_id = latest.article_id AND keyframe.number = latest.keyframe
      WHERE latest.article_id = ${row.id}::uuid AND latest.number = ${row.revision}`,
  );
  return found;
}

/** The history of an article that is older than revisions begins with how it stands before its next change. */
async function begin(tx: Transaction, article: StoredArticle, copy: KeptCopy): Promise<Keyframe> {
  const content = await insert(tx, article, copy, undefined, {
    action: "recorded",
    actorId: null,
    actorName: "Dateline",
    changed: [],
  });
  return { number: article.row.revision, content };
}

async function insert(
  tx: Transaction,
  { row }: StoredArticle,
  copy: KeptCopy,
  keyframe: Keyframe | undefined,
  what: Deed & { actorId: string | null; actorName: string; changed: string[]; edition?: number | null },
): Promise<Uint8Array> {
  const { id: articleId, revision: number, updatedAt: createdAt } = row;
  const changes = keyframe && (await difference(copy, keyframe));
  const content = changes ?? (await whole(copy));
  await insertRow(tx, "revisions", {
    articleId,
    number,
    createdAt,
    ...what,
    keyframe: changes === undefined || keyframe === undefined ? number : keyframe.number,
    content,
  } satisfies Prisma.RevisionUncheckedCreateInput);
  return content;
}
