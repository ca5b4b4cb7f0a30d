import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { startEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openJobs } from "../../src/jobs/jobs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A server on which the tests may make databases. */
    postgresUrl: string;
    /** A migrated, empty database on it, to be copied. */
    template: string;
  }
}

const quick = ["fsync=off", "full_page_writes=off"];

/**
 * Starts a real PostgreSQL for the whole run, or takes the one that TEST_DATABASE_URL names, and
 * migrates a template database once; each test file works in a copy of it. What is written does not
 * outlive the machine's power, and need not: a process that dies loses nothing by that. Several files that
 * start several processes may run at once.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL;
  const folder = await mkdtemp(join(tmpdir(), "dateline-test-"));
  const embedded =
    given === undefined
      ? await startEmbedded(folder, { settings: [...quick, "max_connections=200"] })
      : undefined;
  const postgresUrl = given ?? embedded?.url ?? "";
  const template = `dateline_template_${process.pid}`;
  const client = new pg.Client({ connectionString: postgresUrl });
  await client.connect();
  await client.query(`CREATE DATABASE ${template}`);
  await migrate(withDatabase(postgresUrl, template));
  const jobs = openJobs(withDatabase(postgresUrl, template));
  await jobs.start({
    announce: {},
    carryOut: async () => {},
    tidy: async () => {},
    onError: () => {},
  });
  await jobs.stop();
  project.provide("postgresUrl", postgresUrl);
  project.provide("template", template);
  return async () => {
    await client.query(`DROP DATABASE ${template} WITH (FORCE)`);
    await client.end();
    await embedded?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

/** The address of another database on the same server. */
export function withDatabase(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}
