import type { FastifyBaseLogger } from "fastify";
import { pruneChanges } from "./changes/prune.ts";
import { forgetPresences } from "./editing/presence.ts";
import { carryOut } from "./editions/due.ts";
import { hubAnnouncements } from "./feeds/webSub.ts";
import { forgetOldKeys } from "./http/write.ts";
import type { Newsroom } from "./newsroom.ts";
import { forgetLinks } from "./previews/links.ts";
import { fillSearch } from "./search/fill.ts";
import { moveSpans } from "./shares/mostShared.ts";
import { settleRemains } from "./shares/settle.ts";
import { purgeTrash } from "./trash/purge.ts";
import { forgetPassages } from "./usage/read.ts";
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
export async function takeJobs(newsroom: Newsroom, log: FastifyBaseLogger): Promise<void> {
  const { database, jobs } = newsroom;
  await jobs.start({
    carryOut: () => carryOut(newsroom),
    announce: await hubAnnouncements(newsroom, log),
    async tidy() {
      // Should the queue have lost a job, what was planned happens all the same.
      await carryOut(newsroom);
      jobs.announce();
      await forgetOldKeys(newsroom);
      await forgetPresences(database);
      await forgetLinks(database);
      await pruneChanges(database);
      await forgetPassages(database);
      await settleRemains(database);
      await moveSpans(database);
      await purgeTrash(database);
      await forgetDeliveries(database);
    },
    onError(error) {
      log.warn({ err: error }, "the job queue cannot go on for now");
    },
  });
  jobs.announce();
}
