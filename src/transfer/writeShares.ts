import { isDeepStrictEqual } from "node:util";
import type { Transaction } from "../database/client.ts";
import { removeCount, setCount } from "../shares/settle.ts";
import type { ArticleLine } from "./schema.ts";

/** Brings an article's share counts to what its line says. */
export async function writeShares(
  tx: Transaction,
  { id: articleId, shareCounts }: ArticleLine,
  here: ArticleLine["shareCounts"],
): Promise<void> {
  const wanted = new Map(shareCounts.map((share) => [share.network, share]));
  const held = new Map(here.map((share) => [share.network, share]));
  for (const { network } of here) {
    if (wanted.has(network)) continue;
    // Readers may have counted up since the article was read.
    const { count } = await tx.shareCount.findUniqueOrThrow({
      where: { articleId_network: { articleId, network } },
    });
    await removeCount(tx, { articleId, network, count });
  }
  for (const { network, count, updatedAt } of shareCounts) {
    if (isDeepStrictEqual(held.get(network), wanted.get(network))) continue;
    await setCount(tx, articleId, network, BigInt(count));
    await tx.shareCount.update({
      where: { articleId_network: { articleId, network } },
      data: { updatedAt },
    });
  }
}
