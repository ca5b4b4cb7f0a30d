import { describe, expect, it } from "vitest";
import { readConfig, settings } from "../src/config.ts";

function refusal(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  throw new Error(`${JSON.stringify(environment)} was not refused`);
}

describe("a setting", () => {
  it("has its documented default", () => {
    expect(readConfig({})).toMatchObject({
      HOST: "127.0.0.1",
      PORT: 3000,
      DATELINE_DATA_DIR: ".dateline",
      DATELINE_RATE_LIMIT: true,
      DATELINE_TRUST_PROXY: "off",
    });
    expect(readConfig({}).DATABASE_URL).toBeUndefined();
    expect(readConfig({}).DATELINE_ADMIN_KEY).toBeUndefined();
  });

  it("counts as unset when it is empty", () => {
    expect(readConfig(Object.fromEntries(Object.keys(settings).map((name) => [name, ""])))).toEqual(
      readConfig({}),
    );
  });

  it.for([
    ["HOST", "http://0.0.0.0"],
    ["HOST", "0.0.0.0 "],
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["PORT", "3e3"],
    ["PORT", "0x50"],
    ["PORT", " 3000"],
    ["PORT", "http"],
    ["DATABASE_URL", "mysql://root@localhost/news"],
    ["DATABASE_URL", "localhost:5432"],
    ["DATABASE_REPLICAS", "standby:5432"],
    ["DATABASE_REPLICAS", "postgresql://one/news mysql://two/news"],
    ["DATABASE_POOL", "1"],
    ["DATABASE_POOL", "many"],
    ["DATELINE_WORKERS", "0"],
    ["DATELINE_WORKERS", "257"],
    ["DATELINE_WORKERS", "all"],
    ["DATELINE_ADMIN_KEY", "short"],
    ["DATELINE_ADMIN_KEY", "x".repeat(31)],
    ["DATELINE_ADMIN_KEY", `with a space ${"x".repeat(32)}`],
    ["DATELINE_ADMIN_KEY", "ä".repeat(40)],
    ["DATELINE_ADMIN_KEY", "x".repeat(257)],
    ["DATELINE_RATE_LIMIT", "false"],
    ["DATELINE_RATE_LIMIT", "OFF"],
    ["DATELINE_MAX_AGE", "-5"],
    ["DATELINE_MAX_AGE", "31536001"],
    ["DATELINE_ARTICLE_URL", "https://news.example/articles"],
    ["DATELINE_ARTICLE_URL", "news.example/{slug}"],
    ["DATELINE_ARTICLE_URL", "javascript:/{slug}"],
    ["DATELINE_CORS_ORIGINS", "news.example"],
    ["DATELINE_CORS_ORIGINS", "https://news.example/"],
    ["DATELINE_CORS_ORIGINS", "https://news.example/path"],
    ["DATELINE_CORS_ORIGINS", "https://news.example, https://other.example"],
    ["DATELINE_CORS_ORIGINS", "https://news.example,*"],
    ["DATELINE_TRUST_PROXY", "on"],
    ["DATELINE_TRUST_PROXY", "abc"],
    ["DATELINE_TRUST_PROXY", "1.2.3"],
    ["DATELINE_TRUST_PROXY", "10.0.0.0/33"],
    ["DATELINE_TRUST_PROXY", "10.0.0.0/"],
    ["DATELINE_TRUST_PROXY", "::1/129"],
    ["DATELINE_TRUST_PROXY", "10.0.0.1,"],
    ["DATELINE_KEEP_ALIVE", "0"],
    ["DATELINE_KEEP_ALIVE", "3601"],
    ["DATELINE_STOP_DELAY", "-1"],
    ["DATELINE_STOP_DELAY", "601"],
    ["DATELINE_STOP_DEADLINE", "4"],
    ["DATELINE_STOP_DEADLINE", "1m"],
    ["LOG_LEVEL", "loud"],
    ["LOG_LEVEL", "INFO"],
  ] as const)("%s is refused as %s, saying what it must be and not what it was", ([name, value]) => {
    expect(refusal({ [name]: value })).toBe(`${name} must be ${settings[name].must}.`);
  });

  it.for([
    ["HOST", "::"],
    ["HOST", "localhost"],
    ["HOST", "fe80::1%eth0"],
    ["PORT", "0"],
    ["DATABASE_URL", "postgresql://user:password@host:5432/dateline?sslmode=require"],
    ["DATABASE_URL", "postgres://user@%2Fvar%2Frun/dateline"],
    ["DATELINE_ADMIN_KEY", "x".repeat(32)],
    ["DATELINE_ARTICLE_URL", "https://news.example/{slug}.html"],
    ["DATELINE_CORS_ORIGINS", "https://news.example,http://localhost:5173"],
    ["DATELINE_TRUST_PROXY", "10.0.0.0/8,::1,192.0.2.7"],
  ] as const)("%s may be %s", ([name, value]) => {
    expect(() => readConfig({ [name]: value })).not.toThrow();
  });

  it("takes where caches are purged, without a password, and demands it of who has them keep answers for long", () => {
    const must = /^DATELINE_PURGE must be the addresses/m;
    expect(readConfig({}).DATELINE_PURGE).toEqual([]);
    const two = {
      DATELINE_PURGE: "http://varnish:6081/,https://cdn.example/purge",
      DATELINE_CDN_MAX_AGE: "600",
    };
    expect(readConfig(two)).toMatchObject({
      DATELINE_PURGE: ["http://varnish:6081/", "https://cdn.example/purge"],
      DATELINE_CDN_MAX_AGE: 600,
    });
    for (const wrong of ["varnish:6081", "ftp://varnish/", "http://a/,", "http://user:secret@varnish/"])
      expect(() => readConfig({ DATELINE_PURGE: wrong })).toThrow(must);
    expect(() => readConfig({ DATELINE_CDN_MAX_AGE: "600" })).toThrow(/DATELINE_CDN_MAX_AGE needs it/);
  });

  it("that closes reading does not go with hubs, which read without a key", () => {
    const hubs = { DATELINE_WEBSUB_HUBS: "https://hub.example/", DATELINE_URL: "https://api.news.example" };
    expect(refusal({ ...hubs, DATELINE_PUBLIC_READING: "off" })).toContain(
      "DATELINE_PUBLIC_READING must be on",
    );
    expect(() => readConfig(hubs)).not.toThrow();
  });

  it("names any number of standbys, each once, and the database that they follow", () => {
    const [one, two] = ["postgresql://reader@one/news", "postgres://reader@two:5433/news"];
    const standbys = { DATABASE_REPLICAS: ` ${one}, ${two}\n${one} ` };
    expect(refusal(standbys)).toMatch(/^DATABASE_URL must be .*DATABASE_REPLICAS needs it\.$/);
    const config = readConfig({ ...standbys, DATABASE_URL: "postgresql://primary/news" });
    expect(config.DATABASE_REPLICAS).toEqual([one, two]);
    expect(readConfig({}).DATABASE_REPLICAS).toEqual([]);
  });

  it("that gives a process no time to finish after the delay is refused", () => {
    const tight = { DATELINE_STOP_DELAY: "16", DATELINE_STOP_DEADLINE: "20" };
    expect(refusal(tight)).toBe(`DATELINE_STOP_DEADLINE must be ${settings.DATELINE_STOP_DEADLINE.must}.`);
    expect(() => readConfig({ ...tight, DATELINE_STOP_DEADLINE: "21" })).not.toThrow();
  });

  it("is refused along with all others that are wrong, a line each", () => {
    const lines = refusal({ PORT: "x", LOG_LEVEL: "x", DATELINE_ADMIN_KEY: "secret" }).split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["PORT", "DATELINE_ADMIN_KEY", "LOG_LEVEL"]);
  });
});
