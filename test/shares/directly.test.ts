import { connect } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { live, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { sendBytes } from "../support/socket.ts";
import { answered } from "../support/ways.ts";

const newsroom = useNewsroom();
const json: Record<string, string> = { "content-type": "application/json" };
const countOf = async (id: string, network: string) =>
  (await newsroom.reader.get(`/v1/articles/${id}/share-counts/${network}`)).body.count as number;

/** An answer to each way, without what tells the two shares apart. */
async function byBoth(id: string, body: string | Buffer, headers = json) {
  const url = `${newsroom.url}/v1/articles/${id}/shares`;
  const ask = async (way: "direct" | "common") => {
    const found = await answered(
      url,
      { method: "POST", headers: { ...headers, "x-request-id": "one" }, body },
      way,
    );
    return {
      ...found,
      headers: { ...found.headers, etag: typeof found.headers["etag"] },
      body: found.body.replace(/"(count|updatedAt)":("[^"]*"|\d+)/g, '"$1":…'),
    };
  };
  const direct = await ask("direct");
  expect(direct).toEqual(await ask("common"));
  return direct;
}

const refused: [status: string, what: string, body: string | Buffer, headers?: Record<string, string>][] = [
  ["422", "a network that is none", '{"network":"Some Network"}'],
  ["422", "a property too many", '{"network":"x","times":3}'],
  ["422", "a name of JavaScript's", '{"network":"x","__proto__":{}}'],
  ["422", "no object", "[]"],
  ["422", "nothing but a mark", "\ufeff"],
  ["400", "no JSON", '{"network":'],
  ["400", "JSON that is too deep", "[".repeat(300) + "]".repeat(300)],
  ["400", "no UTF-8", Buffer.from('{"network":"\xff"}', "latin1")],
  ["413", "a body that is too long", JSON.stringify({ network: "x".repeat(1024) })],
  ["415", "another type", '{"network":"x"}', { "content-type": "text/plain" }],
  ["415", "a coding", '{"network":"x"}', { ...json, "content-encoding": "gzip" }],
  ["406", "an answer in another type", '{"network":"x"}', { ...json, accept: "text/html" }],
  ["401", "a wrong key", '{"network":"x"}', { ...json, authorization: "Bearer wrong" }],
];

describe("a share of an article by its id", () => {
  it("is answered directly as its route answers it", async () => {
    const { id } = await live(newsroom, { headline: "Shared by both ways" });
    for (const network of ["x", "twitter", "whatsapp"])
      expect((await byBoth(id, JSON.stringify({ network }))).status).toBe(201);
    expect((await byBoth(id.toUpperCase(), '{"network":"x"}')).headers).toHaveProperty(
      "location",
      `/v1/articles/${id}/share-counts/x`,
    );
    expect(await countOf(id, "x")).toBe(6);
    const { text } = await newsroom.reader.get("/metrics");
    expect(text).toContain(
      'dateline_http_request_duration_seconds_count{method="POST",route="/v1/articles/:article/shares",status="201"} 8',
    );
  });

  it.each(refused)(
    "is refused with %s, and counts nothing, for %s",
    async (status, _what, body, headers = json) => {
      const { id } = await live(newsroom, { headline: "Shared in a wrong way" });
      expect((await byBoth(id, body, headers)).status).toBe(Number(status));
      expect((await newsroom.reader.get(`/v1/articles/${id}/share-counts`)).body.data).toEqual([]);
    },
  );

  it("is refused where the article is not there, not there any more, or has too many networks", async () => {
    const body = '{"network":"x"}';
    expect((await byBoth("01960000-0000-7000-8000-000000000000", body)).status).toBe(404);
    const { id } = await live(newsroom, { headline: "Shared and withdrawn" });
    for (let number = 0; number < 50; number += 1)
      await newsroom.reader.post(`/v1/articles/${id}/shares`).send({ network: `network-${number}` });
    expect((await byBoth(id, body)).status).toBe(409);
    await unpublish(newsroom, id);
    expect((await byBoth(id, body)).status).toBe(410);
  });

  it("is counted once when its body comes in pieces, and not when it never comes whole", async () => {
    const { id } = await live(newsroom, { headline: "Shared slowly" });
    const head = `POST /v1/articles/${id}/shares HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nconnection: close\r\n`;
    const { hostname, port } = new URL(newsroom.url);
    const body = '{"network":"x"}';
    const slow = connect(Number(port), hostname);
    let text = "";
    slow.on("data", (chunk: Buffer) => (text += chunk.toString()));
    slow.write(`${head}content-length: ${body.length}\r\n\r\n`);
    for (const letter of body) {
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
      slow.write(letter);
    }
    await vi.waitFor(() => {
      expect(text).toMatch(/^HTTP\/1\.1 201/);
    });
    const broken = connect(Number(port), hostname);
    broken.write(`${head}content-length: ${body.length}\r\n\r\n${body.slice(0, 8)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    broken.destroy();
    const last = await sendBytes(newsroom.url, `${head}content-length: ${body.length}\r\n\r\n${body}`);
    expect(last.status).toBe(201);
    expect(JSON.parse(last.body)).toMatchObject({ count: 2 });
  });
});
