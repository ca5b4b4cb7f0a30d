import { expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";
import { live } from "../support/articles.ts";

const newsroom = useNewsroom({ DATELINE_RATE_LIMIT: "on", DATELINE_TRUST_PROXY: "127.0.0.1" });

it("counts the operations of a bulk against the limits of where it comes from", async () => {
  const { id } = await live(newsroom, { headline: "Shared often" });
  const operations = Array.from({ length: 40 }, () => ({
    method: "POST",
    path: `/v1/articles/${id}/shares`,
    body: { network: "x" },
  }));
  const from = (address: string) =>
    newsroom.reader.post("/v1/bulk").set("x-forwarded-for", address).send({ atomic: false, operations });
  const statuses = async (address: string) =>
    ((await from(address)).body.results as { status: number }[]).map(({ status }) => status);
  expect(new Set(await statuses("192.0.2.1"))).toEqual(new Set([201]));
  expect((await statuses("192.0.2.1")).filter((status) => status === 429)).toHaveLength(20);
  expect(new Set(await statuses("192.0.2.2"))).toEqual(new Set([201]));
});
