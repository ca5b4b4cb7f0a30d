import supertest from "supertest";
import type TestAgent from "supertest/lib/agent.js";
import { afterAll, beforeAll } from "vitest";
import { ensureAdminKey, storeKey } from "../../src/access/keys.ts";
import { generateKey } from "../../src/access/keys.ts";
import type { Scope } from "../../src/access/scopes.ts";
import { buildApp } from "../../src/app.ts";
import { takeJobs } from "../../src/chores.ts";
import { readConfig } from "../../src/config.ts";
import type { Database } from "../../src/database/client.ts";
import { type Newsroom, followNews, openNewsroom } from "../../src/newsroom.ts";
import { checkAnswers, learnContract } from "./contract.ts";
import { freshDatabase } from "./database.ts";

export type Agent = TestAgent;

export interface TestNewsroom {
  /** http://127.0.0.1:PORT of the listening server. */
  url: string;
  databaseUrl: string;
  /** Straight to the database, for what HTTP cannot show. */
  database: Database;
  newsroom: Newsroom;
  /** Requests without a key. */
  reader: Agent;
  /** Requests with a key that may do everything. */
  editor: Agent;
  adminKey: string;
  /** Requests with a key that has these scopes. */
  withScopes: (scopes: Scope[], expiresAt?: string) => Promise<Agent>;
  /** Requests with a key that has a role, or is bound to an author or to sections. */
  withKey: (about: Parameters<typeof storeKey>[2]) => Promise<Agent>;
  /** Requests with the given headers. */
  withHeaders: (headers: Record<string, string>) => Agent;
}

const adminKey = "an-administrators-key-for-tests-only";

/**
 * Gives each test file a server of its own, which listens on a free port and works on a database
 * of its own. To be called at the top of a file; the answer is filled before its tests begin.
 *
 * @param environment settings beyond the defaults; rate limits are off unless set here
 */
export function useNewsroom(environment: Record<string, string> = {}): TestNewsroom {
  const found = {} as TestNewsroom;
  let close = async () => {};
  beforeAll(async () => {
    const fresh = await freshDatabase();
    const started = await startNewsroom(fresh.url, environment);
    Object.assign(found, started.found);
    close = async () => {
      await started.close();
      await fresh.drop();
    };
  });
  afterAll(() => close());
  return found;
}

/** Starts a server on a database, as `npm start` does within its own process. */
export async function startNewsroom(databaseUrl: string, environment: Record<string, string> = {}) {
  const config = readConfig({
    DATELINE_ADMIN_KEY: adminKey,
    DATELINE_RATE_LIMIT: "off",
    LOG_LEVEL: "silent",
    PORT: "0",
    DATABASE_POOL: "10",
    ...environment,
  });
  const newsroom = await openNewsroom(config, databaseUrl);
  await ensureAdminKey(newsroom.database, config);
  const listening = await followNews(newsroom, databaseUrl);
  const app = await buildApp(newsroom);
  await takeJobs(newsroom, app.log);
  learnContract(app.swagger());
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const withHeaders = (headers: Record<string, string>) => checkAnswers(supertest.agent(url)).set(headers);
  const found: TestNewsroom = {
    url,
    databaseUrl,
    database: newsroom.database,
    newsroom,
    adminKey,
    reader: withHeaders({}),
    editor: withHeaders({ authorization: `Bearer ${adminKey}` }),
    withHeaders,
    withScopes: (scopes, expiresAt) =>
      found.withKey({ name: scopes.join(" ") || "none", scopes, expiresAt: expiresAt ?? null }),
    async withKey(about) {
      const key = generateKey();
      await storeKey(newsroom.database, key, about);
      return withHeaders({ authorization: `Bearer ${key}` });
    },
  };
  const close = async () => {
    await app.close();
    await listening.stop();
  };
  return { found, close };
}
