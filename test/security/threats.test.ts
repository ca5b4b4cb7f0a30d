import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const text = readFileSync(new URL("SECURITY.md", root), "utf8");
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(2)
  .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| |\s*\|$/g, "").trim()));

describe("the threat model in SECURITY.md", () => {
  it("says of each threat who, what, how it is stopped and what shows it", () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const row of rows) {
      expect(row).toHaveLength(4);
      for (const cell of row) expect(cell).not.toBe("");
    }
  });

  it.for(rows)("names tests that there are: %s tries %s", ([, , , shown = ""]) => {
    const tests = [...shown.matchAll(/`(test\/[^`]+)` > `([^`]+)`/g)];
    expect(tests.length).toBeGreaterThan(0);
    expect(shown.replaceAll(/`(test\/[^`]+)` > `([^`]+)`(, )?/g, "").trim()).toBe("");
    for (const [, file = "", name = ""] of tests) {
      expect([file, existsSync(new URL(file, root))]).toEqual([file, true]);
      const source = readFileSync(new URL(file, root), "utf8");
      const titles = [...source.matchAll(/\(\s*(["'`])([^]*?)\1/g)].map(([, , title]) => title);
      expect([file, name, titles.some((title) => title?.startsWith(name))]).toEqual([file, name, true]);
    }
  });

  it("covers the OWASP API Security Top 10, each with a suite of its own", () => {
    const suites = readFileSync(new URL("test/security/owasp.test.ts", root), "utf8");
    for (let number = 1; number <= 10; number += 1) {
      expect(suites).toContain(`describe("API${number} `);
      expect(text).toContain(`API${number} `);
    }
  });
});
