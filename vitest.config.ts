import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/postgres.ts",
    setupFiles: "test/support/contract.ts",
    // Many tests wait for moments, processes and connections more than they compute.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters:
      process.env.CI === undefined
        ? ["default"]
        : ["default", ["json", { outputFile: "coverage/report.json" }]],
  },
});
