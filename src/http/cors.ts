import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/** What scripts may read of an answer. */
export const exposedHeaders = [
  "Age",
  "Cache-Status",
  "ETag",
  "Link",
  "Location",
  "Retry-After",
  "RateLimit",
  "RateLimit-Policy",
  "X-Request-Id",
  "Idempotency-Replayed",
  "Preference-Applied",
];

/** Lets browsers call from the configured origins (the Fetch standard's CORS protocol). */
export async function allowOrigins(app: FastifyInstance, config: Config): Promise<void> {
  const origins = config.DATELINE_CORS_ORIGINS;
  const origin = origins === "*" ? "*" : origins.split(",");
  await app.register(cors, { origin, methods, exposedHeaders, maxAge: 86_400, strictPreflight: false });
  if (origin === "*") return;
  // Routes say what else their answers vary by, in place of what the plugin has said.
  app.addHook("onSend", async (_request, reply) => {
    const others = String(reply.getHeader("vary") ?? "")
      .split(", ")
      .filter((name) => name !== "" && name !== "Origin");
    reply.header("vary", [...others, "Origin"].join(", "));
  });
}
