import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Package {
  version?: string;
  resolved?: string;
  integrity?: string;
  link?: boolean;
  hasInstallScript?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8"));
const manifest = read("package.json") as Package & { allowScripts: Record<string, boolean> };
const lock = read("package-lock.json") as { packages: Record<string, Package> };
const { "": root = {}, ...packages } = lock.packages;
const which = (wrong: (one: Package, path: string) => boolean) =>
  Object.entries(packages)
    .filter(([path, one]) => wrong(one, path))
    .map(([path]) => path);
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

describe("the lockfile", () => {
  it("pins every package to its bytes, by a hash that holds", () => {
    expect(which(({ integrity }) => !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ""))).toEqual([]);
    expect(which(({ version }) => version === undefined)).toEqual([]);
  });

  it("names no address, so that all comes from the registry that is set", () => {
    expect(which(({ link, resolved }) => link === true || resolved !== undefined)).toEqual([]);
  });

  it("is that of the manifest, which names versions alone, and no addresses", () => {
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies"] as const) {
      expect(root[kind]).toEqual(manifest[kind]);
      expect(
        Object.values(manifest[kind] ?? {}).filter((range) => !/^[\^~]?\d[\w.+-]*$/.test(range)),
      ).toEqual([]);
    }
  });

  it("has no package that runs a script when it is installed but those that were looked at", () => {
    const scripted = new Set(which(({ hasInstallScript }) => hasInstallScript === true).map(nameOf));
    expect([...scripted].filter((name) => !Object.hasOwn(manifest.allowScripts, name))).toEqual([]);
  });
});
