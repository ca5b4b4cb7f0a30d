import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Prisma } from "../../src/database/client.ts";
import { runPrepared, transact } from "../../src/database/transactions.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

const insertTag = (slug: string) =>
  Prisma.sql`INSERT INTO tags (id, slug, name) VALUES (gen_random_uuid(), ${slug}, ${slug})`;
const exists = async (slug: string) =>
  (await newsroom.newsroom.database.tag.count({ where: { slug } })) === 1;

it("is undone whole, whichever way its statements went", async () => {
  const { database } = newsroom.newsroom;
  const failing = transact(database, async (tx) => {
    await runPrepared(tx, insertTag("past-prisma"));
    await tx.tag.create({ data: { id: crypto.randomUUID(), slug: "by-prisma", name: "By Prisma" } });
    expect(await tx.tag.count({ where: { slug: { in: ["past-prisma", "by-prisma"] } } })).toBe(2);
    throw new Error("No.");
  });
  await expect(failing).rejects.toThrow("No.");
  expect(await exists("past-prisma")).toBe(false);
  expect(await exists("by-prisma")).toBe(false);
});

it.each([
  { where: "on a connection that others have by then", slug: "too-late", busyFor: 0 },
  { where: "behind a statement that still runs", slug: "behind-the-end", busyFor: 0.6 },
])("does nothing more once its time was over, $where", async ({ slug, busyFor }) => {
  const { database } = newsroom.newsroom;
  let late: Promise<unknown> = Promise.resolve();
  const slow = transact(
    database,
    async (tx) => {
      const running = runPrepared(tx, Prisma.sql`SELECT pg_sleep(${busyFor})`);
      late = sleep(300).then(() => runPrepared(tx, insertTag(slug)));
      await Promise.allSettled([running, late]);
      await late;
    },
    undefined,
    { timeout: 100 },
  );
  await expect(slow).rejects.toThrow("transaction was over");
  await expect(late).rejects.toThrow("transaction was over");
  expect(await exists(slug)).toBe(false);
});

it("does nothing within another transaction that is under way", async () => {
  const { database } = newsroom.newsroom;
  await transact(database, async (outer) => {
    const inner = transact(database, async (tx) => {
      await runPrepared(tx, insertTag("of-the-inner"));
      throw new Error("No.");
    });
    await expect(inner).rejects.toThrow("No.");
    await runPrepared(outer, insertTag("of-the-outer"));
  });
  expect(await exists("of-the-inner")).toBe(false);
  expect(await exists("of-the-outer")).toBe(true);
});
