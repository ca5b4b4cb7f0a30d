import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { withDatabase } from "./postgres.ts";

/** Makes an empty, migrated database of its own. */
export async function freshDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `dateline_${randomBytes(6).toString("hex")}`;
  const server = inject("postgresUrl");
  await onServer(server, `CREATE DATABASE ${name} TEMPLATE ${inject("template")}`);
  return {
    url: withDatabase(server, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Makes a database in which there is nothing at all. */
export async function emptyDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `dateline_${randomBytes(6).toString("hex")}`;
  const server = inject("postgresUrl");
  await onServer(server, `CREATE DATABASE ${name}`);
  return {
    url: withDatabase(server, name),
    drop: () => onServer(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
