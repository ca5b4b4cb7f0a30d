import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Service {
  build?: unknown;
  image?: string;
  user?: string;
  privileged?: boolean;
  read_only?: boolean;
  tmpfs?: string[];
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  network_mode?: string;
  pid?: string;
}

const root = new URL("../../", import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), "utf8");
const services = readdirSync(root)
  .filter((name) => /^(docker-)?compose.*\.ya?ml$/.test(name))
  .flatMap((file) =>
    Object.entries(
      (parse(read(file), { merge: true }) as { services: Record<string, Service> }).services,
    ).map(([name, service]) => [`${name} in ${file}`, service] as const),
  );
const stages = read("Dockerfile")
  .split(/^FROM /m)
  .slice(1);
const last = stages.at(-1) ?? "";

describe.each(services)("the container of %s", (_, service) => {
  it("has a file system that cannot be written to, but for folders in memory and its data", () => {
    expect(service.read_only).toBe(true);
    expect(service.tmpfs ?? []).toContain("/tmp");
    // A volume by its name, never a folder of the host.
    expect((service.volumes ?? []).filter((volume) => !/^\w[\w-]*:\//.test(volume))).toEqual([]);
  });

  it("has no right to rise to more", () => {
    expect(service.cap_drop).toEqual(["ALL"]);
    expect(service.cap_add ?? []).toEqual([]);
    expect(service.security_opt).toContain("no-new-privileges:true");
    const { privileged = false, network_mode: network = "", pid = "" } = service;
    expect([privileged, network, pid]).toEqual([false, "", ""]);
  });

  it("does not run as root", () => {
    if (service.build === undefined && service.image !== "dateline")
      expect(service.user).toMatch(/^(?!root|0\b)\w+/);
    else expect(service.user ?? "node").not.toMatch(/^(root|0)/);
  });

  it("has no secret of its own, and is not reached from outside unless somebody says so", () => {
    for (const [name, value] of Object.entries(service.environment ?? {}))
      if (/PASSWORD|ADMIN_KEY|SECRET|DATABASE_URL/.test(name))
        expect([name, value]).toEqual([name, expect.stringMatching(/\$\{\w+:\?/)]);
    expect(
      (service.ports ?? []).filter((port) => !/^(127\.0\.0\.1:|\$\{\w+:-127\.0\.0\.1:)/.test(port)),
    ).toEqual([]);
  });
});

describe("the image", () => {
  it("runs as a user who is not root, on files that are root's", () => {
    const users = [...last.matchAll(/^USER (\S+)/gm)].map(([, user]) => user);
    expect(users).toEqual(["node"]);
    expect(last.indexOf("USER node")).toBeLessThan(last.indexOf("\nCMD"));
    expect([...last.matchAll(/^(?:COPY|ADD) (.*)$/gm)].map(([, what]) => what)).toEqual([
      expect.stringContaining("--chown=root:root"),
    ]);
  });

  it("holds what the build names, and no file that is not named: no .env, no history", () => {
    const [first, ...named] = read(".dockerignore").trim().split("\n");
    expect(first).toBe("*");
    expect(named.filter((line) => /\.env|\.git|\*/.test(line))).toEqual([]);
    expect(read("Dockerfile")).not.toMatch(/^(ARG|ENV).*(KEY|PASSWORD|SECRET|TOKEN)/im);
  });
});
