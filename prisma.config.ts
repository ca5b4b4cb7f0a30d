import { defineConfig } from "prisma/config";

// `prisma generate` insists that the schema engine's binary exists, never runs it, and would
// otherwise download it. Dateline runs migrations with the engine's WebAssembly build instead.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: "prisma/schema.prisma" });
