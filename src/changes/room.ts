import type { ServerResponse } from "node:http";
import { normalizeIP } from "@fastify/rate-limit";
import type { FastifyRequest } from "fastify";
import type { Config } from "../config.ts";
import { problem } from "../http/problems.ts";

/** When whoever found no room may try again, in seconds. */
const LATER = 30;

/** Room for open streams: so many in this process, and so many of them for one caller. */
export interface Room {
  /**
   * Takes a place, which is free again when the response is closed.
   *
   * @throws 503 when the process has no place left, 429 when the caller has as many as it may have, 408 when the
   *   response is closed already
   */
  take: (request: FastifyRequest, response: ServerResponse) => void;
}

export function room(config: Config): Room {
  const {
    DATELINE_STREAMS: inAll,
    DATELINE_STREAMS_PER_KEY: perKey,
    DATELINE_RATE_LIMIT: isLimited,
  } = config;
  // No address takes all, unless addresses tell nothing because there is a gateway in between.
  const perAddress = isLimited ? Math.ceil(inAll / 2) : inAll;
  const taken = new Map<string, number>();
  let open = 0;
  return {
    take({ caller, ip }, response) {
      // Nothing would tell that it is free again.
      if (response.destroyed) throw problem("request-timeout", "Whoever asked for the stream has left.");
      const who = caller?.id ?? normalizeIP(ip);
      const most = caller === null ? perAddress : perKey;
      const own = taken.get(who) ?? 0;
      if (open >= inAll)
        throw full("unavailable", `The server has ${inAll} streams open, as many as it may.`);
      if (own >= most) throw full("too-many-requests", `You have ${most} streams open, as many as you may.`);
      open += 1;
      taken.set(who, own + 1);
      response.once("close", () => {
        open -= 1;
        const left = (taken.get(who) ?? 0) - 1;
        if (left > 0) taken.set(who, left);
        else taken.delete(who);
      });
    },
  };
}

function full(name: "unavailable" | "too-many-requests", what: string) {
  const detail = `${what} Close one, or follow GET /v1/changes with wait in its place.`;
  return problem(name, detail, { headers: { "retry-after": String(LATER) } });
}
