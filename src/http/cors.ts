import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/**
 * Scripts may read every header of an answer: the wildcard of the Fetch standard's CORS protocol,
 * which holds where no credentials are sent but those that a script adds itself.
 */
export const EXPOSED_HEADERS = "*";

/** The origins that browsers may call from, or all. */
export function originsOf({ DATELINE_CORS_ORIGINS: origins }: Config): "*" | string[] {
  return origins === "*" ? "*" : origins.split(",");
}

/** Lets browsers call from the configured origins (the Fetch standard's CORS protocol). */
export async function allowOrigins(app: FastifyInstance, config: Config): Promise<void> {
  const origin = originsOf(config);
  await app.register(cors, {
    origin,
    methods,
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 86_400,
    strictPreflight: false,
  });
  if (origin === "*") return;
  // Routes say what else their answers vary by, in place of what the plugin has said.
  app.addHook("onSend", (_request, reply, _payload, done) => {
    const others = String(reply.getHeader("vary") ?? "")
      .split(", ")
      .filter((name) => name !== "" && name !== "Origin");
    reply.header("vary", [...others, "Origin"].join(", "));
    done();
  });
}
