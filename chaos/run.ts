import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chaos } from "./chaos.ts";
import { embedded, ofSystem, systemPrograms } from "./servers.ts";

// Kills the process that serves, and PostgreSQL, in the midst of writes, and looks what is left:
// npm run chaos -- --rounds=100 --database-rounds=20 --database=embedded --seed=1
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "100" },
    "database-rounds": { type: "string", default: "20" },
    editors: { type: "string", default: "12" },
    database: { type: "string", default: systemPrograms() === undefined ? "embedded" : "embedded,system" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
let failures = 0;
for (const name of values.database.split(",")) {
  const folder = await mkdtemp(join(tmpdir(), "dateline-chaos-"));
  const postgres = name === "embedded" ? embedded(folder) : await ofSystem(folder);
  console.log(`on the ${postgres.name}`);
  const findings = await chaos(postgres, {
    seed,
    rounds: Number(values.rounds),
    databaseRounds: Number(values["database-rounds"]),
    editors: Number(values.editors),
    waitsForPlans: true,
    log: console.log,
  });
  failures += findings.failures.length;
  await rm(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? "PASSED" : `FAILED: ${failures} failures`);
process.exit(failures === 0 ? 0 : 1);
