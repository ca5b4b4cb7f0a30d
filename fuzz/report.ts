import type { Contract } from "./contract.ts";
import type { Failure, Findings } from "./fuzz.ts";

const CLASSES = ["2xx", "3xx", "4xx", "5xx", "none"];

/** Prints one failure: how to make it happen again, and what it is. */
export function printFailure({ operation, fault, seed, curl, answer }: Failure): void {
  console.log(
    [
      `\nFAILED ${operation}: ${fault}`,
      `again with: npm run fuzz -- --seed=${seed} --operation=${operation}`,
      curl,
      "answered:",
      answer.replaceAll(/^/gm, "  "),
    ].join("\n"),
  );
}

/** Prints how often each operation was asked and what came of it, and what was never let through. */
export function printSummary(contract: Contract, findings: Findings, ms: number): void {
  const { tallies, requests, failures, slowest, busy } = findings;
  const row = (cells: (string | number)[]) =>
    cells.map((cell, index) => (index === 0 ? String(cell).padEnd(30) : String(cell).padStart(7))).join("");
  console.log(`\n${row(["operation", "sent", ...CLASSES])}`);
  const sums = new Map<string, number>();
  for (const [id, tally] of tallies) {
    const counts = CLASSES.map((name) => tally[name] ?? 0);
    for (const [index, name] of CLASSES.entries())
      sums.set(name, (sums.get(name) ?? 0) + (counts[index] ?? 0));
    console.log(row([id, counts.reduce((sum, one) => sum + one, 0), ...counts.map((one) => one || "·")]));
  }
  for (const [manner, tally] of findings.manners) {
    const counts = CLASSES.map((name) => tally[name] ?? 0);
    console.log(row([`all that is ${manner}`, counts.reduce((sum, one) => sum + one, 0), ...counts]));
  }
  console.log(row(["all", requests, ...CLASSES.map((name) => sums.get(name) ?? 0)]));
  const never = contract.operations
    .map(({ id }) => id)
    .filter((id) => tallies.has(id) && !tallies.get(id)?.["2xx"]);
  console.log(
    `\n${requests} requests in ${(ms / 1000).toFixed(0)} s, the slowest ${slowest.ms.toFixed(0)} ms: ${slowest.what}`,
  );
  console.log(`operations that were never let through: ${never.join(", ") || "none"}`);
  console.log(`told to come back later: ${busy} times`);
  console.log(`failures: ${failures.length}`);
}

/** Prints which operations were done in sequences, and what differed from the model. */
export function printComparison(
  sequences: number,
  { report, steps }: { report: string | null; steps: ReadonlyMap<string, number> },
): void {
  const done = [...steps].map(([name, count]) => `${name} ${count}`).join(", ");
  const all = [...steps.values()].reduce((sum, count) => sum + count, 0);
  console.log(`\n${all} operations in ${sequences} sequences, compared with a model after each: ${done}`);
  console.log(report === null ? "all alike" : `FAILED sequences: ${report}`);
}
