import { expect, it } from "vitest";
import { chaos } from "../../chaos/chaos.ts";
import { freshDatabase } from "../support/database.ts";

// `npm run chaos` does more of it, and kills PostgreSQL as well.
it("kill -9 in the midst of mixed writes leaves all that was acknowledged, nothing half, and no gap", async () => {
  const { url, drop } = await freshDatabase();
  const lines: string[] = [];
  const found = await chaos(
    {
      name: "tests' database",
      environment: { DATABASE_URL: url },
      url: async () => url,
      kill: async () => {},
      revive: async () => {},
      stop: async () => {},
    },
    {
      seed: Date.now() % 1_000_000,
      rounds: 2,
      databaseRounds: 0,
      editors: 8,
      waitsForPlans: false,
      log: (line) => lines.push(line),
    },
  );
  expect(found.failures, lines.join("\n")).toEqual([]);
  expect(found.articles).toBeGreaterThan(0);
  expect(found.changes).toBeGreaterThan(0);
  await drop();
}, 120_000);
