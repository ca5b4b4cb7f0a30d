import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { draft, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { answered } from "../support/ways.ts";

const newsroom = useNewsroom();
const limited = useNewsroom({ DATELINE_RATE_LIMIT: "on", DATELINE_TRUST_PROXY: "127.0.0.1" });

describe("what is in memory", () => {
  it.each(["/v1/articles/ID", "/v1/articles/SLUG", "/v1/articles", "/v1/articles?limit=1&sort=oldest"])(
    "is answered directly as its route answers it, with rates limited and without: %s",
    async (template) => {
      for (const one of [newsroom, limited]) {
        const { id, slug } = await live(one, {
          headline: `Direct ${template}`,
          standfirst: "Long enough. ".repeat(100),
        });
        await live(one, { headline: `Another ${template}` });
        const url = one.url + template.replace("ID", id).replace("SLUG", slug);
        for (const coding of ["identity", "br", "gzip"]) {
          const headers = { "accept-encoding": coding };
          await answered(url, { headers });
          const direct = await answered(url, { headers });
          expect(direct).toEqual(await answered(url, { headers }, "common"));
          expect(direct.status).toBe(200);
          const unchanged = { headers: { ...headers, "if-none-match": String(direct.headers["etag"]) } };
          const same = await answered(url, unchanged);
          expect(same).toEqual(await answered(url, unchanged, "common"));
          expect(same.status).toBe(304);
        }
      }
    },
  );

  it("is answered alike as a page of changes, which goes on with the next change and is waited for when asked", async () => {
    const { reader } = newsroom;
    const since = (await reader.get("/v1/changes?since=now")).body.page.next as string;
    const first = await live(newsroom, { headline: "A change", standfirst: "Long enough. ".repeat(100) });
    const path = `/v1/changes?limit=5&since=${since}`;
    const url = newsroom.url + path;
    for (const coding of ["identity", "br"]) {
      const headers = { "accept-encoding": coding };
      await answered(url, { headers });
      const direct = await answered(url, { headers });
      expect(direct).toEqual(await answered(url, { headers }, "common"));
      expect(direct).toMatchObject({ status: 200, headers: { "cache-control": "public, max-age=1" } });
    }
    const { body } = await reader.get(path);
    expect(body.data.map((change: { articleId: string }) => change.articleId)).toEqual([first.id]);
    // A page of nothing is kept, too, and not given to who waits.
    const onwards = `/v1/changes?since=${body.page.next}&limit=5`;
    expect((await reader.get(onwards)).body.data).toEqual([]);
    const waited = answered(`${newsroom.url}${onwards}&wait=10`);
    const second = await live(newsroom, { headline: "Another change" });
    expect(JSON.parse((await waited).body).data).toMatchObject([{ articleId: second.id }]);
    expect((await reader.get(onwards)).body.data).toMatchObject([{ articleId: second.id }]);
    expect((await reader.get(path)).body.data).toHaveLength(2);
    expect((await answered(`${url}x`)).status).toBe(400);
    expect((await answered(url, { headers: { accept: "text/event-stream" } })).status).toBe(406);
  });

  it("is answered alike where there is nothing any more, nothing yet, and where it changes soon", async () => {
    const gone = await live(newsroom, { headline: "Gone" });
    await unpublish(newsroom, gone.id);
    const unpublished = await draft(newsroom, { headline: "Never seen" });
    const ending = await live(newsroom, {
      headline: "Ends soon",
      expiresAt: new Date(Date.now() + 40_000).toISOString(),
    });
    for (const [id, status] of [
      [gone.id, 410],
      [unpublished.id, 404],
      ["01960000-0000-7000-8000-000000000000", 404],
      [ending.id, 200],
    ] as const) {
      const url = `${newsroom.url}/v1/articles/${id}`;
      const headers = { "x-request-id": "one" };
      for (const _ of ["once", "again"]) {
        const direct = await answered(url, { headers });
        expect(direct.status).toBe(status);
        const common = await answered(url, { headers }, "common");
        // The seconds that are left may pass in between.
        const still = (value: unknown) =>
          String(value).replace(/=(\d+)/g, (_found, left: string) => `=${Math.round(Number(left) / 20)}`);
        const caching = { "cache-control": still(common.headers["cache-control"]) };
        expect({
          ...direct,
          headers: { ...direct.headers, "cache-control": still(direct.headers["cache-control"]) },
        }).toEqual({ ...common, headers: { ...common.headers, ...caching } });
      }
    }
  });

  it("is not read for who is beyond the limit", async () => {
    const misses = async () =>
      Number(
        /^dateline_cache_misses_total\{kind="articles"\} (\d+)$/m.exec(
          (await limited.reader.get("/metrics")).text,
        )?.[1],
      );
    const ask = (n: number) =>
      answered(`${limited.url}/v1/articles/01960000-0000-7000-8000-${String(n).padStart(12, "0")}`, {
        headers: { "x-forwarded-for": "192.0.2.99" },
      });
    let asked = 0;
    for (; asked < 6000; asked += 100)
      await Promise.all(Array.from({ length: 100 }, (_, n) => ask(asked + n)));
    const before = await misses();
    expect((await ask(asked)).status).toBe(429);
    expect(await misses()).toBe(before);
  });

  it("is refused by its route with more header fields than a request may have, or a coding", async () => {
    const { id } = await live(newsroom, { headline: "Asked for at length" });
    const url = `${newsroom.url}/v1/articles/${id}`;
    const many = Object.fromEntries(Array.from({ length: 110 }, (_, n) => [`x-field-${n}`, "1"]));
    expect((await answered(url)).status).toBe(200);
    expect((await answered(url, { headers: many })).status).toBe(431);
    expect((await answered(url, { headers: { "content-encoding": "gzip" } })).status).toBe(415);
  });

  it("counts against the same limit by either way, and is refused beyond it", async () => {
    const { id } = await live(limited, { headline: "Asked for often" });
    const path = `/v1/articles/${id}`;
    const left = async (way: "direct" | "common") => {
      const { headers } = await (way === "direct"
        ? limited.reader.get(path)
        : limited.reader.get(path).set("content-length", "0"));
      expect(headers["ratelimit-policy"]).toBe('"minute";q=6000;w=60');
      return Number(/;r=(\d+);/.exec(headers["ratelimit"] ?? "")?.[1]);
    };
    const first = await left("direct");
    expect(await left("common")).toBe(first - 1);
    expect(await left("direct")).toBe(first - 2);
    const one = () => answered(limited.url + path);
    for (let done = 0; done < first - 2; done += 100) await Promise.all(Array.from({ length: 100 }, one));
    const refused = await one();
    expect(refused.status).toBe(429);
    expect(JSON.parse(refused.body)).toMatchObject({ type: "/problems/too-many-requests" });
  });

  it("is not given to a wrong key, nor in a type that is not served", async () => {
    const { id } = await live(newsroom, { headline: "Asked for oddly" });
    const url = `${newsroom.url}/v1/articles/${id}`;
    await answered(url);
    expect((await answered(url)).status).toBe(200);
    expect((await answered(url, { headers: { authorization: "Bearer wrong" } })).status).toBe(401);
    expect((await answered(url, { headers: { accept: "image/png" } })).status).toBe(406);
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

  it("goes to the next who ask when many are gone before they have their answers", async () => {
    const { id } = await live(limited, { headline: "Asked for and left" });
    const { hostname, port } = new URL(limited.url);
    const one = `GET /v1/articles/${id} HTTP/1.1\r\nhost: a\r\nx-forwarded-for: no address, 192.0.2.7\r\n\r\n`;
    const leave = () =>
      new Promise((resolve) => {
        const socket = connect(Number(port), hostname, () => {
          socket.write(one.repeat(20), () => socket.resetAndDestroy());
        });
        socket.on("error", () => {}).on("close", resolve);
      });
    for (let times = 0; times < 10; times += 1) await Promise.all(Array.from({ length: 20 }, leave));
    const { status } = await limited.reader.get(`/v1/articles/${id}`).set("x-forwarded-for", "192.0.2.8");
    expect(status).toBe(200);
  });
});
