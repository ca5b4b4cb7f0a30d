import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbedded } from "./embedded.ts";
import { draftMigration } from "./migrate.ts";

// Prints the SQL that leads from the committed Prisma schema to the one in the working tree.
const committed = execFileSync("git", ["show", "HEAD:prisma/schema.prisma"], { encoding: "utf8" });
const scratch = await mkdtemp(join(tmpdir(), "dateline-migration-"));
const server = await startEmbedded(scratch);
try {
  console.log(await draftMigration(committed, server.url));
} finally {
  await server.stop();
  await rm(scratch, { recursive: true });
}
