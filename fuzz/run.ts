import { parseArgs } from "node:util";
import { fuzz, prepare } from "./fuzz.ts";
import { startNewsroom } from "./newsroom.ts";
import { printFailure, printSummary } from "./report.ts";

// Fuzzes a Dateline of its own from its OpenAPI document:
// npm run fuzz -- [--requests=50000] [--seed=N] [--operation=ID]
const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "50000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    operation: { type: "string" },
  },
});
const requests = wholeNumber("requests", values.requests);
const seed = wholeNumber("seed", values.seed);

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, such as 50000; it is ${text}.`);
}

const newsroom = await startNewsroom();
try {
  console.log(`Fuzzing ${newsroom.url} with ${requests} requests, seed ${seed}`);
  const target = await prepare(newsroom.url, newsroom.adminKey, newsroom.receiver);
  const begun = performance.now();
  const findings = await fuzz(target, { requests, seed, operation: values.operation });
  for (const failure of findings.failures) printFailure(failure);
  printSummary(target.contract, findings, performance.now() - begun);
  if (findings.failures.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error, `\nThe server's last words: ${newsroom.printed()}`);
  process.exitCode = 1;
} finally {
  await newsroom.stop();
}
