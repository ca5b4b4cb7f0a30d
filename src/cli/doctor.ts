import { loadEnvironment } from "../config.ts";
import { examine, worst } from "../doctor/examine.ts";
import type { Finding } from "../doctor/finding.ts";

/**
 * Says how the installation is: a line for each thing that was looked at, and below those that are
 * not as they should be what that means and what to do. The exit code is 1 when anything fails.
 */
export async function doctor(options: { json: boolean }): Promise<void> {
  loadEnvironment();
  const findings: Finding[] = [];
  for await (const finding of examine(process.env)) {
    findings.push(finding);
    if (!options.json) console.log(told(finding));
  }
  const status = worst(findings);
  if (options.json) console.log(JSON.stringify({ status, findings }, null, 2));
  if (status === "fail") process.exitCode = 1;
}

function told({ check, status, found, meaning, action }: Finding): string {
  const line = `${status.padEnd(5)} ${check.padEnd(14)} ${found}`;
  const below = " ".repeat(21);
  return action === null ? line : `${line}\n${below}${meaning}\n${below}${action}`;
}
