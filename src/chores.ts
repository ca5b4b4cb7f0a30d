import type { FastifyBaseLogger } from "fastify";
import { forgetPresences } from "./editing/presence.ts";
import { carryOut } from "./editions/due.ts";
import { forgetOldKeys } from "./http/write.ts";
import type { Newsroom } from "./newsroom.ts";
import { fillSearch } from "./search/entries.ts";
import { moveSpans } from "./shares/mostShared.ts";
import { settleRemains } from "./shares/settle.ts";
import { forgetDeliveries } from "./webhooks/store.ts";

/** Does beside the serving what migrations and processes that died have left to do. */
export function catchUp({ database }: Newsroom, log: FastifyBaseLogger): void {
  fillSearch(database).catch((error: unknown) => {
    log.warn({ err: error }, "not all articles are indexed for search yet; the next start goes on");
  });
  settleRemains(database).catch((error: unknown) => {
    log.warn({ err: error }, "not all shares are in the standings yet; the hourly tidying goes on");
  });
}

/** Takes part in the jobs of all processes that serve the database: carrying out what is planned, and tidying up hourly. */
export function takeJobs(newsroom: Newsroom, log: FastifyBaseLogger): Promise<void> {
  const { database, jobs } = newsroom;
  return jobs.start({
    carryOut: () => carryOut(newsroom),
    async tidy() {
      await forgetOldKeys(newsroom);
      await forgetPresences(database);
      await settleRemains(database);
      await moveSpans(database);
      await forgetDeliveries(database);
    },
    onError(error) {
      log.warn({ err: error }, "the job queue cannot go on for now");
    },
  });
}
