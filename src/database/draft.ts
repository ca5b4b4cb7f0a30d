import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory } from "@prisma/driver-adapter-utils";
import { SchemaEngine } from "@prisma/schema-engine-wasm";
import { startEmbedded } from "./embedded.ts";
import { prismaFolder } from "./migrate.ts";

// Prints the SQL that leads from the committed Prisma schema to the one in the working tree.
const before = execFileSync("git", ["show", "HEAD:prisma/schema.prisma"], { encoding: "utf8" });
const path = join(prismaFolder, "schema.prisma");
const after = await readFile(path, "utf8");
const scratch = await mkdtemp(join(tmpdir(), "dateline-migration-"));
const server = await startEmbedded(scratch);
try {
  const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: server.url }));
  const engine = await SchemaEngine.new({ datamodels: [[path, after]] }, () => {}, adapter);
  const { stdout } = await engine.diff({
    from: { tag: "schemaDatamodel", files: [{ path: "before.prisma", content: before }] },
    to: { tag: "schemaDatamodel", files: [{ path, content: after }] },
    script: true,
    exitCode: null,
    filters: { externalTables: [], externalEnums: [] },
  });
  console.log(stdout ?? "");
  engine.free();
} finally {
  await server.stop();
  await rm(scratch, { recursive: true });
}
