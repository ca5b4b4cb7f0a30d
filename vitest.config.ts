import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Each file has a process of its own, and starts others, which need not compile anew what all of them load.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, "node_modules/.cache/node");

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/postgres.ts",
    setupFiles: "test/support/contract.ts",
    // Many tests wait for moments, processes and connections more than they compute.
    maxWorkers: availableParallelism() + 1,
    // Ends what hangs alone: some start many processes, on machines that may be busy.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters:
      process.env.CI === undefined
        ? ["default"]
        : ["default", ["json", { outputFile: "coverage/report.json" }]],
  },
});
