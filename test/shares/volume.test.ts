import { describe, expect, it } from "vitest";
import { live, seen } from "../support/articles.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { sharers } from "../support/sharing.ts";

const newsroom = useNewsroom();
const networks = ["x", "facebook", "whatsapp"];

/** Sends shares from each client one after the other, all clients at once, and holds the answers against the sum. */
async function shareAll(urls: string[], headlines: string[], clients: number, each: number) {
  const articles = await Promise.all(headlines.map((headline) => live(newsroom, { headline })));
  const targets = articles.flatMap(({ id }) => networks.map((network) => ({ id, network })));
  const lines = urls.map((url) => sharers(url, clients));
  const recorded = new Map(targets.map(({ id, network }) => [`${id} ${network}`, [] as number[]]));
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const line = lines[client % lines.length];
      for (let number = 0; number < each; number += 1) {
        const target = targets[(client * 7 + number) % targets.length];
        if (line === undefined || target === undefined) return;
        const { status, count } = await line.share(target.id, target.network);
        expect(status).toBe(201);
        recorded.get(`${target.id} ${target.network}`)?.push(count);
      }
    }),
  );
  for (const line of lines) line.close();
  let total = 0;
  for (const { id } of articles) {
    const { shareCounts, shareTotal } = await seen(newsroom, id);
    total += shareTotal;
    for (const network of networks) {
      const counts = (recorded.get(`${id} ${network}`) ?? []).toSorted((a, b) => a - b);
      expect(counts).toEqual(Array.from({ length: shareCounts[network] ?? 0 }, (_, index) => index + 1));
    }
  }
  return total;
}

describe("ten thousand shares", () => {
  it("from sixteen clients at once are all counted, and each gets a count of its own", async () => {
    expect(
      await shareAll([newsroom.url], ["Shared by all", "Shared by many", "Shared by some"], 16, 625),
    ).toBe(10_000);
  });
});

describe("two servers on one database", () => {
  it("count together", async () => {
    const second = await startNewsroom(newsroom.databaseUrl);
    try {
      expect(await shareAll([newsroom.url, second.found.url], ["Shared here", "Shared there"], 16, 100)).toBe(
        1_600,
      );
      const { id } = await live(newsroom, { headline: "Seen by both" });
      await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
      await second.found.reader.post(`/v1/articles/${id}/shares`).send({ network: "x" });
      expect((await second.found.reader.get(`/v1/articles/${id}`)).body.shareCounts).toEqual({ x: 2 });
      expect((await newsroom.reader.get(`/v1/articles/${id}`)).body.shareCounts).toEqual({ x: 2 });
    } finally {
      await second.close();
    }
  });
});
