import type { FastifyBaseLogger } from "fastify";
import { forgetOldKeys } from "./http/write.ts";
import type { Newsroom } from "./newsroom.ts";
import { fillSearch } from "./search/entries.ts";
import { moveSpans } from "./shares/mostShared.ts";

const HOUR = 3_600_000;

/**
 * Does beside the serving what needs doing once, however many workers there are: fills what a
 * migration left empty, and tidies up hourly. Nothing goes wrong when processes that share a
 * database do it at the same time.
 *
 * @returns what ends it
 */
export function doChores(newsroom: Newsroom, log: FastifyBaseLogger): () => void {
  fillSearch(newsroom.database).catch((error: unknown) => {
    log.warn({ err: error }, "not all articles are indexed for search yet; the next start goes on");
  });
  const tidying = setInterval(() => {
    forgetOldKeys(newsroom).catch((error: unknown) => {
      log.warn({ err: error }, "old Idempotency-Keys could not be forgotten");
    });
    moveSpans(newsroom.database).catch((error: unknown) => {
      log.warn({ err: error }, "shares of hours past could not be taken out of the windows");
    });
  }, HOUR);
  return () => {
    clearInterval(tidying);
  };
}
