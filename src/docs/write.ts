import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { articleAddress } from "../articles/relatedLinks.ts";
import { buildApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { openDatabase } from "../database/client.ts";
import { signedCursors } from "../http/paging.ts";
import { shareRecorder } from "../shares/record.ts";
import { openApiYaml } from "./routes.ts";

// Writes openapi.yaml; with --check it only says whether the file is as fresh as the code.
const file = join(import.meta.dirname, "../../openapi.yaml");

/** The document comes from the routes alone, so no database is ever asked. */
async function document(): Promise<string> {
  const config = readConfig({ LOG_LEVEL: "silent" });
  const database = openDatabase("postgresql://nobody@127.0.0.1:1/none", 2);
  const app = await buildApp({
    config,
    database,
    cursors: signedCursors(new Uint8Array(32)),
    shares: shareRecorder(database),
    articleAddress: articleAddress(config.DATELINE_ARTICLE_URL),
  });
  const yaml = openApiYaml(app);
  await app.close();
  return yaml;
}

const fresh = await document();
if (!process.argv.includes("--check")) {
  await writeFile(file, fresh);
} else if ((await readFile(file, "utf8").catch(() => "")) !== fresh) {
  console.error("openapi.yaml is stale: run npm run openapi and commit it.");
  process.exitCode = 1;
}
