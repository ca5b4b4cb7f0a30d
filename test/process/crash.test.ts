import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase } from "../support/database.ts";
import { type ServerProcess, startProcess } from "../support/process.ts";

const ADMIN = "an-administrators-key-for-tests-only";
const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };

interface Written {
  id: string;
  headline: string;
}

describe("kill -9 in the middle of writes", () => {
  let databaseUrl: string;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    ({ url: databaseUrl, drop } = await freshDatabase());
  });
  afterAll(() => drop());

  const start = () =>
    startProcess({ DATABASE_URL: databaseUrl, DATELINE_ADMIN_KEY: ADMIN, DATELINE_RATE_LIMIT: "off" });

  it("leaves everything that was acknowledged, and nothing half", async () => {
    const acknowledged: Written[] = [];
    const published: string[] = [];
    let shares = 0;
    let shared: string | undefined;

    for (let round = 0; round < 3; round += 1) {
      const server = await start();
      shared ??= (await create(server, "Counted")).id;
      await post(server, `/v1/articles/${shared}/publish`, {});
      const before = acknowledged.length;
      const editors = Array.from({ length: 8 }, (_, editor) =>
        untilDeath(async (number) => {
          const written = await create(server, `Round ${round}, editor ${editor}, article ${number}`);
          acknowledged.push(written);
          await post(server, `/v1/articles/${written.id}/publish`, {});
          published.push(written.id);
        }),
      );
      const readers = Array.from({ length: 8 }, () =>
        untilDeath(async () => {
          await post(server, `/v1/articles/${shared}/shares`, { network: "x" });
          shares += 1;
        }),
      );
      await until(() => acknowledged.length > before + 20);
      await server.end("SIGKILL");
      await Promise.all([...editors, ...readers]);
    }

    const server = await start();
    for (const { id, headline } of acknowledged) {
      const draft = await read(server, `/v1/articles/${id}?version=draft`);
      expect(draft).toMatchObject({ headline, keyPoints: [{ text: "one" }, { text: "two" }] });
      expect(draft.relatedLinks).toHaveLength(1);
    }
    for (const id of published)
      expect(await read(server, `/v1/articles/${id}`)).toMatchObject({ id, version: 1 });
    // A share may have been counted whose answer never arrived, but none that was answered is lost.
    const { count } = await read(server, `/v1/articles/${shared}/share-counts/x`);
    expect(count).toBeGreaterThanOrEqual(shares);
    expect(count).toBeLessThanOrEqual(shares + 3 * 8);

    const all = await everyDraft(server);
    for (const article of all.filter(({ headline }) => headline !== "Counted")) {
      expect(article.keyPoints, article.headline).toHaveLength(2);
      expect(article.relatedLinks, article.headline).toHaveLength(1);
    }
    await server.end("SIGTERM");
  });
});

async function create(server: ServerProcess, headline: string): Promise<Written> {
  return post(server, "/v1/articles", {
    headline,
    keyPoints: ["one", "two"],
    relatedLinks: [{ title: "Another story" }],
    body: [{ type: "paragraph", text: "A paragraph." }],
  }) as Promise<Written>;
}

async function post(server: ServerProcess, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function read(
  server: ServerProcess,
  path: string,
): Promise<Record<string, unknown> & { count: number }> {
  const answer = await fetch(`${server.url}${path}`, { headers });
  expect(answer.status, path).toBe(200);
  return (await answer.json()) as Record<string, unknown> & { count: number };
}

interface Draft {
  headline: string;
  keyPoints: unknown[];
  relatedLinks: unknown[];
}

async function everyDraft(server: ServerProcess): Promise<Draft[]> {
  const found: Draft[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page = (await read(
      server,
      `/v1/articles?version=draft&limit=100${cursor === "" ? "" : `&cursor=${cursor}`}`,
    )) as unknown as {
      data: Draft[];
      page: { next: string | null };
    };
    found.push(...page.data);
    cursor = page.page.next;
  }
  return found;
}

/** Goes on until the server is gone; an answer other than success would be an error of the server. */
async function untilDeath(work: (number: number) => Promise<void>): Promise<void> {
  for (let number = 0; ; number += 1) {
    try {
      await work(number);
    } catch (error) {
      if (error instanceof TypeError) return;
      throw error;
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
