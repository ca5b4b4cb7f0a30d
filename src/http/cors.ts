import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import type { Config } from "../config.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/**
 * Scripts may read every header of an answer: the wildcard of the Fetch standard's CORS protocol,
 * which holds where no credentials are sent but those that a script adds itself.
 */
const EXPOSED_HEADERS = "*";

/** The origins that browsers may call from, or all. */
function originsOf({ DATELINE_CORS_ORIGINS: origins }: Config): "*" | string[] {
  return origins === "*" ? "*" : origins.split(",");
}

/** What every answer says to browsers, whichever origin calls. */
export function corsOfAll(config: Config): Record<string, string> {
  const exposed = { "access-control-expose-headers": EXPOSED_HEADERS };
  return originsOf(config) === "*" ? { ...exposed, "access-control-allow-origin": "*" } : exposed;
}

/** What an answer that is not the framework's says beyond that, where it depends on the origin that calls. */
export function corsOf(config: Config, origin: string | undefined): Record<string, string> {
  const origins = originsOf(config);
  if (origins === "*") return {};
  const isAllowed = origin !== undefined && origins.includes(origin);
  return { vary: "Origin", ...(isAllowed && { "access-control-allow-origin": origin }) };
}

/** Lets browsers call from the configured origins (the Fetch standard's CORS protocol). */
export async function allowOrigins(app: FastifyInstance, config: Config): Promise<void> {
  const origin = originsOf(config);
  const options = { origin, methods, maxAge: 86_400, strictPreflight: false };
  if (origin === "*") {
    // By itself it only answers what browsers ask beforehand: all answers say the rest already.
    await app.register(async (preflight) => preflight.register(cors, options));
    return;
  }
  await app.register(cors, options);
  // Routes say what else their answers vary by, in place of what the plugin has said.
  app.addHook("onSend", (_request, reply, _payload, done) => {
    const others = String(reply.getHeader("vary") ?? "")
      .split(", ")
      .filter((name) => name !== "" && name !== "Origin");
    reply.header("vary", [...others, "Origin"].join(", "));
    done();
  });
}
