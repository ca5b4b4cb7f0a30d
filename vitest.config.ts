import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/postgres.ts",
    setupFiles: "test/support/contract.ts",
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters:
      process.env.CI === undefined
        ? ["default"]
        : ["default", ["json", { outputFile: "coverage/report.json" }]],
  },
});
