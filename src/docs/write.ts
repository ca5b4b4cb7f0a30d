import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildApp } from "../app.ts";
import { readConfig } from "../config.ts";
import { furnish } from "../newsroom.ts";
import { openApiYaml } from "./routes.ts";

// Writes openapi.yaml; with --check it only says whether the file is as fresh as the code.
const file = join(import.meta.dirname, "../../openapi.yaml");

/** The document comes from the routes alone, so no database is ever asked. */
async function document(): Promise<string> {
  const config = readConfig({ LOG_LEVEL: "silent" });
  const app = await buildApp(furnish(config, "postgresql://nobody@127.0.0.1:1/none", new Uint8Array(32)));
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
