import { isDeepStrictEqual } from "node:util";
import type { Transaction } from "../database/client.ts";
import type { Outcome } from "../imports/report.ts";
import { tombstoneLine } from "./export.ts";
import type { TombstoneLine } from "./schema.ts";

/** Notes what was purged where it comes from, and the slugs that it held. */
export async function writeTombstones(tx: Transaction, lines: TombstoneLine[]): Promise<Outcome[]> {
  const rows = await tx.tombstone.findMany({
    where: { articleId: { in: lines.map(({ id }) => id) } },
    include: { slugs: { orderBy: { slug: "asc" } } },
  });
  const here = new Map(rows.map((row) => [row.articleId, tombstoneLine(row)]));
  const outcomes: Outcome[] = [];
  for (const line of lines) {
    const existing = here.get(line.id);
    const { id: articleId, purgedAt, slugs } = line;
    if (existing === undefined) await tx.tombstone.create({ data: { articleId, purgedAt } });
    await tx.slug.createMany({
      data: slugs.map((held) => ({ ...held, tombstoneId: articleId })),
      skipDuplicates: true,
    });
    outcomes.push(
      existing === undefined ? "created" : isDeepStrictEqual(existing, line) ? "unchanged" : "updated",
    );
  }
  return outcomes;
}
