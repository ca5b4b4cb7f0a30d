import { parseArgs } from "node:util";
import { type Findings, fuzz, prepare } from "./fuzz.ts";
import { compareWithModel } from "./model.ts";
import { startNewsroom } from "./newsroom.ts";
import { printComparison, printFailure, printSummary } from "./report.ts";

// Fuzzes a Dateline of its own from its OpenAPI document:
// npm run fuzz -- [--requests=50000] [--sequences=100] [--seed=N] [--operation=ID]
const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "50000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    operation: { type: "string" },
    sequences: { type: "string", default: "100" },
  },
});
const requests = wholeNumber("requests", values.requests);
const sequences = wholeNumber("sequences", values.sequences);
const seed = wholeNumber("seed", values.seed);

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, such as 50000; it is ${text}.`);
}

const newsroom = await startNewsroom();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void newsroom.stop().then(() => process.exit(1)));

try {
  console.log(`Fuzzing ${newsroom.url} with ${requests} requests, seed ${seed}`);
  const target = await prepare(newsroom.url, newsroom.adminKey, newsroom.receiver);
  const begun = performance.now();
  const seconds = () => ((performance.now() - begun) / 1000).toFixed(0);
  let printed = 0;
  const told = ({ requests: sent, failures }: Findings) => {
    for (const failure of failures.slice(printed)) printFailure(failure);
    printed = failures.length;
    console.log(`${sent} requests after ${seconds()} s, ${failures.length} failures`);
  };
  const findings = await fuzz(target, { requests, seed, operation: values.operation, told });

  printSummary(target.contract, findings, performance.now() - begun);
  const compared = await compareWithModel(target, { sequences, seed });
  printComparison(sequences, compared);
  if (findings.failures.length > 0 || compared.report !== null) {
    console.log(`\nThe server's last words: ${newsroom.printed()}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error, `\nThe server's last words: ${newsroom.printed()}`);
  process.exitCode = 1;
} finally {
  await newsroom.stop();
  process.exit();
}
