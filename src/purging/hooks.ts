import type { FastifyRequest } from "fastify";
import type { App } from "../http/app.ts";
import { atOnce } from "../http/hooks.ts";
import type { Newsroom } from "../newsroom.ts";
import { CDN_CACHE_CONTROL, KEPT_NOT_AT_ALL } from "./caching.ts";

/**
 * Sees to it that no cache in front keeps what was being made while something changed: it may have been
 * read before, and be sent after the purge. And has the log tell when a cache is lost.
 */
export function purgeCaches(app: App, { config, purging }: Newsroom): void {
  purging.onTurn((cache, trouble) => {
    if (trouble === undefined) app.log.info({ cache }, "a cache takes purges, and has purged everything");
    else
      app.log.warn(
        { cache, trouble },
        "a cache of DATELINE_PURGE does not take purges: nothing may be kept there until it does",
      );
  });
  app.addHook("onClose", () => purging.stop());
  if (config.DATELINE_CDN_MAX_AGE === 0) return;
  const since = new WeakMap<FastifyRequest, number>();
  app.addHook(
    "onRequest",
    atOnce((request) => {
      since.set(request, purging.heard());
    }),
  );
  app.addHook("onSend", (request, reply, _payload, done) => {
    if (since.get(request) !== purging.heard() && reply.hasHeader(CDN_CACHE_CONTROL))
      reply.header(CDN_CACHE_CONTROL, KEPT_NOT_AT_ALL);
    done();
  });
}
