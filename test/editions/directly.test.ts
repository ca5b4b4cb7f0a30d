import { describe, expect, it } from "vitest";
import { live, publish } from "../support/articles.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";

// With rates unlimited and requests not logged, as the tests are, readers are answered directly.
const newsroom = useNewsroom();

/** What differs between any two answers. */
const own = new Set([
  "x-request-id",
  "date",
  "connection",
  "keep-alive",
  "etag",
  "ratelimit",
  "ratelimit-policy",
]);

async function answered(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers: { "accept-encoding": "identity", ...headers } });
  const kept = [...answer.headers].filter(([name]) => !own.has(name));
  return { status: answer.status, headers: Object.fromEntries(kept), body: await answer.text() };
}

describe("what is in memory", () => {
  it.each(["/v1/articles/ID", "/v1/articles/SLUG", "/v1/articles", "/v1/articles?limit=1&sort=oldest"])(
    "is answered directly as its route answers it: %s",
    async (template) => {
      const common = await startNewsroom(newsroom.databaseUrl, { DATELINE_RATE_LIMIT: "on" });
      const one = await live(newsroom, {
        headline: `Direct ${template}`,
        standfirst: "Long enough. ".repeat(100),
      });
      await live(newsroom, { headline: `Another ${template}` });
      const path = template.replace("ID", one.id).replace("SLUG", one.slug);
      for (const coding of ["identity", "br", "gzip"]) {
        const headers = { "accept-encoding": coding };
        await answered(newsroom.url + path, headers);
        const direct = await answered(newsroom.url + path, headers);
        expect(direct).toEqual(await answered(common.found.url + path, headers));
        expect(direct.status).toBe(200);
      }
      await common.close();
    },
  );

  it("is not given to a wrong key, nor in a type that is not served", async () => {
    const { id } = await live(newsroom, { headline: "Asked for oddly" });
    const url = `${newsroom.url}/v1/articles/${id}`;
    await answered(url);
    expect((await answered(url)).status).toBe(200);
    expect((await answered(url, { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await answered(url, { accept: "image/png" })).status).toBe(406);
    const other = await fetch(url, { headers: { accept: "text/html, */*;q=0.5" } });
    expect(other.headers.get("content-type")).toMatch(/^text\/html/);
    expect((await answered(`${url}?unknown=1`)).status).toBe(400);
  });

  it("is what the last publication made", async () => {
    const { id } = await live(newsroom, { headline: "First" });
    const url = `${newsroom.url}/v1/articles/${id}`;
    for (let number = 1; number <= 20; number += 1) {
      await newsroom.editor
        .patch(`/v1/articles/${id}`)
        .set("if-match", "*")
        .send({ headline: `Number ${number}` });
      await publish(newsroom, id);
      expect((await answered(url)).body).toContain(`"Number ${number}"`);
      expect((await answered(`${newsroom.url}/v1/articles?limit=1&sort=updated`)).body).toContain(
        `"Number ${number}"`,
      );
    }
  });
});
