import { describe, expect, it } from "vitest";
import { useNewsroom } from "../support/newsroom.ts";

const open = useNewsroom();
const listed = useNewsroom({ DATELINE_CORS_ORIGINS: "https://news.example,http://localhost:5173" });

const preflight = (url: string, origin: string, method: string) =>
  fetch(url, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,if-match,idempotency-key",
    },
  });

describe("a browser on any origin", () => {
  it("may read answers and all of their headers", async () => {
    const { headers } = await open.reader.get("/v1/articles").set("origin", "https://anywhere.example");
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-expose-headers"]).toBe("*");
  });

  it("may read problems as well", async () => {
    for (const path of ["/nowhere", "/v1/keys", "/v1/articles?limit=0"]) {
      const { headers } = await open.reader.get(path).set("origin", "https://anywhere.example");
      expect(headers["access-control-allow-origin"]).toBe("*");
    }
  });

  it.for(["GET", "POST", "PUT", "PATCH", "DELETE"])(
    "may ask beforehand for %s, without a key",
    async (method) => {
      const answer = await preflight(
        `${open.url}/v1/articles/some-article`,
        "https://anywhere.example",
        method,
      );
      expect(answer.status).toBe(204);
      expect(answer.headers.get("access-control-allow-methods")).toContain(method);
      expect(answer.headers.get("access-control-allow-headers")).toContain("if-match");
      expect(answer.headers.get("access-control-max-age")).toBe("86400");
    },
  );

  it("is never allowed to send credentials of its own", async () => {
    const { headers } = await open.reader.get("/v1/articles").set("origin", "https://anywhere.example");
    expect(headers).not.toHaveProperty("access-control-allow-credentials");
  });
});

it("answers an OPTIONS that is no browser's with 204 too", async () => {
  const answer = await fetch(`${open.url}/v1/articles`, { method: "OPTIONS" });
  expect(answer.status).toBe(204);
});

describe("with origins listed", () => {
  it("names those to the browser, and no others", async () => {
    for (const origin of ["https://news.example", "http://localhost:5173"]) {
      expect(
        (await listed.reader.get("/v1/articles").set("origin", origin)).headers[
          "access-control-allow-origin"
        ],
      ).toBe(origin);
    }
    for (const origin of [
      "https://evil.example",
      "https://news.example.evil.example",
      "http://news.example",
      "null",
    ]) {
      expect((await listed.reader.get("/v1/articles").set("origin", origin)).headers).not.toHaveProperty(
        "access-control-allow-origin",
      );
    }
  });

  it("tells caches that answers vary by origin, beside the rest", async () => {
    const vary = async (path: string) =>
      (await listed.reader.get(path).set("origin", "https://news.example")).headers.vary;
    expect(await vary("/v1/articles")).toBe("Authorization, Accept-Encoding, Accept, Origin");
    expect(await vary("/v1/articles/none")).toBe("Authorization, Accept-Encoding, Origin");
    expect(await vary("/nowhere")).toBe("Origin");
    const { headers } = await listed.reader.get("/v1/articles");
    const unchanged = await listed.reader.get("/v1/articles").set("if-none-match", headers.etag ?? "");
    expect(unchanged.headers.vary).toBe("Authorization, Accept-Encoding, Accept, Origin");
  });
});
