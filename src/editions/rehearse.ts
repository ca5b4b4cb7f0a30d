import type { z } from "zod";
import type { StoredArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { transact } from "../database/transactions.ts";
import type { Precondition } from "../http/conditional.ts";
import { type FieldError, Problem, pathPointer } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { followUp } from "./due.ts";
import { type Publishing, publish } from "./publish.ts";
import type { PublishReport } from "./schema.ts";

/** Ends a rehearsal, so that all of it is rolled back. */
class Curtain extends Error {
  readonly report: z.output<typeof PublishReport>;

  constructor(report: z.output<typeof PublishReport>) {
    super("a rehearsal is over");
    this.report = report;
  }
}

/**
 * Publishes an article in a transaction that is rolled back, and says what it would have done.
 *
 * @throws 404 when there is no such article, 412 when its revision is not the one demanded
 */
export async function rehearse(
  newsroom: Newsroom,
  reference: string,
  wanted: Precondition | undefined,
  publishing: Publishing,
): Promise<z.output<typeof PublishReport>> {
  const purged = new Set<string>();
  const keys = () => (purged.size === 0 ? [] : ["articles", ...purged].map((id) => id.replaceAll("-", "")));
  const onStage: Newsroom = {
    ...newsroom,
    news: {
      ...newsroom.news,
      changed: async (_tx, ids) => {
        for (const id of ids) purged.add(id);
      },
      planned: async () => {},
    },
    jobs: { ...newsroom.jobs, plan: async () => {} },
  };
  try {
    return await transact(newsroom.database, async (tx) => {
      const last = await lastChange(tx);
      const article = await publish(onStage, tx, reference, wanted, publishing);
      const { row } = article;
      const report = {
        possible: true,
        version: row.scheduledFor === null ? row.version : row.version + 1,
        liveFrom: (row.scheduledFor ?? row.updatedAt).toISOString(),
        problems: await shortcomings(tx, article),
      };
      // What is told at its time is found out by living through it.
      if (row.scheduledFor !== null) await followUp(onStage, tx, [row.id], row.scheduledFor);
      const changes = await tx.change.findMany({
        where: { articleId: article.row.id, sequence: { gt: last } },
        orderBy: { sequence: "asc" },
      });
      throw new Curtain({
        ...report,
        changes: changes.map(({ kind }) => kind),
        purges: keys(),
      });
    });
  } catch (error) {
    if (error instanceof Curtain) return error.report;
    if (!(error instanceof Problem) || !["invalid-content", "wrong-state", "withdrawn"].includes(error.type))
      throw error;
    const problems = error.errors ?? [{ pointer: "#", detail: error.message }];
    return { possible: false, version: null, liveFrom: null, problems, changes: [], purges: [] };
  }
}

async function lastChange(tx: Transaction): Promise<bigint> {
  const { _max } = await tx.change.aggregate({ _max: { sequence: true } });
  return _max.sequence ?? 0n;
}

/** What readers would miss of an article that can be published. */
async function shortcomings(tx: Transaction, { row, copy }: StoredArticle): Promise<FieldError[]> {
  const found: FieldError[] = [];
  const note = (path: PropertyKey[], detail: string) => found.push({ pointer: pathPointer(path), detail });
  const gone = new Set(
    (
      await tx.article.findMany({
        where: {
          id: { in: copy.relatedLinks.flatMap(({ target }) => target?.id ?? []) },
          deletedAt: { not: null },
        },
        select: { id: true },
      })
    ).map(({ id }) => id),
  );
  for (const [index, { target, url, title }] of copy.relatedLinks.entries()) {
    const place = ["relatedLinks", index];
    if (target === null && url === null) note(place, `leads nowhere: no article is live as "${title ?? ""}"`);
    if (target !== null && gone.has(target.id)) note(place, "leads to an article in the trash");
    else if (target?.publication === null)
      note(place, "leads to an article that is not live; readers will not see it");
  }
  for (const [index, block] of copy.body.entries()) {
    if (block.type === "image" && (block.alt ?? "").trim() === "")
      note(["body", index, "alt"], "is empty: who cannot see the image misses it");
  }
  const blocks = new Set(copy.body.map(({ id }) => id));
  for (const [index, { blockId }] of copy.keyPoints.entries()) {
    if (blockId !== null && !blocks.has(blockId))
      note(["keyPoints", index, "blockId"], "is the id of a block that is gone");
  }
  if (copy.body.length === 0) note(["body"], "is empty");
  if (row.embargoedUntil !== null && row.embargoedUntil > new Date())
    note(["embargoedUntil"], `keeps it from readers until ${row.embargoedUntil.toISOString()}`);
  return found;
}
