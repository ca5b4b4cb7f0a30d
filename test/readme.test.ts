import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { settings } from "../src/config.ts";
import { useNewsroom } from "./support/newsroom.ts";

const newsroom = useNewsroom();
const root = join(import.meta.dirname, "..");
const readme = await readFile(join(root, "README.md"), "utf8");

/** The section under a heading. */
function section(heading: string): string {
  return readme.split("\n## ").find((part) => part.startsWith(`${heading}\n`)) ?? "";
}

function blocks(text: string): { language: string; content: string }[] {
  return [...text.matchAll(/```(\w+)\n([\s\S]*?)```/g)].map(([, language = "", content = ""]) => ({
    language,
    content,
  }));
}

/** What the README shows, with `…` for what differs each time. */
function shown(text: string): RegExp {
  const pieces = text
    .trim()
    .split("…")
    .map((piece) => piece.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${pieces.join("[^\\n]*?")}$`);
}

describe("the README", () => {
  it("shows sessions that run as written, with the answers they show", async () => {
    const session = [
      "From a news page to a reader",
      "A story's life",
      "Follow the changes",
      "The calls",
      "Partners",
      "Webhooks",
    ].flatMap((heading) => blocks(section(heading)));
    const scripts = session.filter(({ language }) => language === "sh").map(({ content }) => content);
    const expected = session
      .filter(({ language }) => language === "text")
      .map(({ content }) => shown(content.replaceAll(/\n+/g, "\n")));
    const text = scripts
      .join("\necho ====\n")
      .replace(/dateline_your-key-here/, newsroom.adminKey)
      .replaceAll("http://localhost:3000", newsroom.url)
      // curl ends no line after a body; on a terminal the prompt does.
      .replaceAll(/^(curl (?!.*%\{)[^|\n]*[^\\\n])$/gm, "$1; echo");
    const folder = join(tmpdir(), `dateline-readme-${process.pid}`);
    await mkdir(folder, { recursive: true });
    const file = join(folder, "session.sh");
    await writeFile(file, text);
    const { stdout } = await promisify(execFile)("bash", ["-e", file], {
      cwd: root,
      env: { ...process.env, DATABASE_URL: newsroom.databaseUrl },
    });
    const outputs = stdout
      .split("====\n")
      .slice(1)
      .map((output) => output.trim().replaceAll(/\n+/g, "\n"));
    expect(outputs).toHaveLength(expected.length);
    for (const [index, output] of outputs.entries()) expect(output).toMatch(expected[index] ?? /never/);
  });

  it("names every setting with its default", () => {
    for (const [name, { default: fallback }] of Object.entries(settings)) {
      const row = section("Settings")
        .split("\n")
        .find((line) => line.startsWith(`| \`${name}\``));
      expect(row, name).toBeDefined();
      expect(row?.split("|")[2]?.trim(), name).toBe(fallback === undefined ? "" : `\`${fallback}\``);
    }
  });
});
