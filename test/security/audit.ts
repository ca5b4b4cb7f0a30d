import { execFile } from "node:child_process";

// Asks the registry which of the packages that production runs have known holes. Where there is no
// registry that says so, nothing is checked. A hole that was found since fails in CI alone, so that
// nobody is kept from testing by what others found overnight.
interface Report {
  auditReportVersion?: number;
  vulnerabilities?: Record<string, { severity: string; via: (string | { title: string; url: string })[] }>;
}

const npm = process.env.npm_execpath;
const [command, ...first] = npm === undefined ? ["npm"] : [process.execPath, npm];
const words = [...first, "audit", "--omit=dev", "--json", "--fetch-retries=0", "--fetch-timeout=10000"];

const text = await new Promise<string>((resolve) => {
  execFile(command ?? "npm", words, { timeout: 30_000, maxBuffer: 2 ** 26 }, (_error, stdout) => {
    resolve(stdout);
  });
});

function reportOf(printed: string): Report {
  try {
    return JSON.parse(printed) as Report;
  } catch {
    return {};
  }
}

const { auditReportVersion, vulnerabilities = {} } = reportOf(text);
const grave = Object.entries(vulnerabilities).filter(([, { severity }]) =>
  ["high", "critical"].includes(severity),
);
if (auditReportVersion === undefined) {
  console.warn("Dependencies are not audited: the registry does not answer npm audit.");
} else if (grave.length > 0) {
  for (const [name, { severity, via }] of grave) {
    const reasons = via.map((one) => (typeof one === "string" ? `by ${one}` : `${one.title} (${one.url})`));
    console.error(`${name} has a ${severity} vulnerability: ${reasons.join("; ")}`);
  }
  if (process.env.CI !== undefined) process.exitCode = 1;
}
