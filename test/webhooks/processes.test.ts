import { afterAll, beforeAll, expect, it } from "vitest";
import { draft, publish, unpublish } from "../support/articles.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { hookTo, receiver, until } from "./receiver.ts";

const settings = { DATELINE_WEBHOOK_HOSTS: "127.0.0.1" };
const newsroom = useNewsroom(settings);
let stopOther: () => Promise<void>;
beforeAll(async () => {
  ({ close: stopOther } = await startNewsroom(newsroom.databaseUrl, settings));
});
afterAll(() => stopOther());

const delivered = (count: number, id: string) =>
  until(async () => {
    const where = { webhookId: id, state: "delivered" as const };
    return (await newsroom.database.webhookDelivery.count({ where })) === count;
  });

it("is sent once by two processes that serve the same database", async () => {
  const partner = await receiver(async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { status: 204 };
  });
  const hooks = await Promise.all(Array.from({ length: 4 }, () => hookTo(newsroom, partner.url)));
  for (let number = 0; number < 10; number += 1) {
    const { id } = await draft(newsroom, { headline: `Two processes ${number}` });
    await publish(newsroom, id);
  }
  await Promise.all(hooks.map(({ id }) => delivered(10, id)));
  expect(partner.received).toHaveLength(40);
  expect(new Set(partner.received.map(({ headers }) => headers["webhook-id"])).size).toBe(40);
});

it("goes on, in order, when the connection that holds the turns is cut", async () => {
  const partner = await receiver(async () => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return { status: 204 };
  });
  const hook = await hookTo(newsroom, partner.url);
  const { id } = await draft(newsroom, { headline: "Cut off" });
  for (let round = 0; round < 8; round += 1) {
    await publish(newsroom, id);
    await unpublish(newsroom, id);
    await newsroom.database.$queryRaw`
      SELECT pg_terminate_backend(pid) FROM pg_locks
      WHERE locktype = 'advisory' AND classid = 4217010
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  }
  await delivered(16, hook.id);
  const told = partner.received.map(({ body }) => Number(body.data.sequence));
  expect(told).toEqual(told.toSorted((one, other) => one - other));
  expect(new Set(told).size).toBe(16);
});
