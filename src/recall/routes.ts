import { z } from "zod";
import { requireKey } from "../access/authenticate.ts";
import { keyNames } from "../access/keys.ts";
import { onceArticleIdOf } from "../articles/workingCopy.ts";
import { writePosition } from "../changes/position.ts";
import { anyone } from "../changes/told.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { nextLink } from "../http/paging.ts";
import { problem } from "../http/problems.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { acknowledge, sequenceMeant } from "./acknowledge.ts";
import {
  type Notice,
  acknowledgedSince,
  lastNotice,
  partnersOf,
  receiptsOf,
  wasPublished,
  withinRights,
} from "./find.ts";
import { editionsHad, noticeAt } from "./present.ts";
import { Acknowledgement, Acknowledging, Recall, RecallQuery } from "./schema.ts";

const tags = ["Recall"];
const params = z.object({ article: z.string().describe("The article's id, or a slug that it ever had.") });
/** Before the first key, where the webhooks of nobody are. */
const NOBODY = "nobody";

/** Who has what of an article that was taken back or corrected, and who knows of that. */
export function recallRoutes(app: App, newsroom: Newsroom): void {
  const { database, cursors } = newsroom;

  app.get(
    "/articles/:article/recall",
    {
      schema: {
        operationId: "getRecall",
        summary: "Say which partners have an article, and know that it was taken back or corrected",
        description:
          "By what webhooks delivered, and what keys read of the change feed and by streams, for as long as deliveries (30 days) and changes (90 days) are kept. Who read the article otherwise is not known by name.",
        tags,
        params,
        querystring: RecallQuery,
        response: { 200: Recall },
      },
      config: { access: ["articles:kill", "keys:manage"], problems: ["not-found"] },
    },
    async (request, reply) => {
      const { limit, cursor } = request.query;
      const { article } = request.params;
      const articleId = await onceArticleIdOf(database, article);
      if (articleId === undefined || !(await wasPublished(database, articleId)))
        throw problem("not-found", `No article ${article} was ever published.`);
      await newsroom.usage.settle();
      const list = `recall ${articleId}`;
      const [after] = cursor === undefined ? [] : cursors.read(list, cursor);
      const found = await partnersOf(database, articleId, after === NOBODY ? FIRST : after, limit + 1);
      const page = found.slice(0, limit);
      const next = found.length > limit ? cursors.write(list, [page.at(-1) ?? NOBODY]) : null;
      const notice = await lastNotice(database, articleId);
      const data = await partners(newsroom, articleId, page, notice);
      const shown =
        notice === null
          ? null
          : {
              sequence: Number(notice.sequence),
              cursor: writePosition(cursors, { sequence: notice.sequence }, anyone),
              kind: notice.kind,
              at: notice.at.toISOString(),
              edition: notice.version,
            };
      return answer(request, reply, {
        body: { articleId, notice: shown, data, page: { limit, next } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.post(
    "/articles/:article/acknowledgements",
    {
      schema: {
        operationId: "acknowledgeChange",
        summary: "Say that a change of an article was taken in",
        description:
          "For partners: that a correction was shown, or that the article is gone from wherever they had it. Saying it again is harmless.",
        tags,
        params,
        body: Acknowledging,
        response: { 200: Acknowledgement, 201: Acknowledgement },
      },
      config: { access: "key", problems: ["not-found", "out-of-reach"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const caller = requireKey(request, "a key");
        const { article: reference } = request.params;
        const sequence = sequenceMeant(newsroom, request.body);
        const id = await onceArticleIdOf(tx, reference);
        const { isNew, body } = await acknowledge(newsroom, tx, { id, reference }, caller, sequence);
        return { status: isNew ? 201 : 200, body };
      }),
  );
}

/** Before all ids of keys. */
const FIRST = "00000000-0000-0000-0000-000000000000";

async function partners(
  newsroom: Newsroom,
  articleId: string,
  ids: readonly (string | null)[],
  notice: Notice | null,
) {
  const { database } = newsroom;
  const receipts = await withinRights(newsroom, articleId, await receiptsOf(database, articleId, ids));
  const names = await keyNames(
    database,
    ids.filter((id) => id !== null),
  );
  const acknowledged =
    notice === null ? new Map<string, Date>() : await acknowledgedSince(database, articleId, notice.sequence);
  return ids.flatMap((id) => {
    const own = receipts.filter(({ key_id }) => key_id === id);
    const acknowledgedAt = acknowledged.get(id ?? "") ?? null;
    if (own.length === 0 && acknowledgedAt === null) return [];
    return [
      {
        key: id === null ? null : { id, name: names.get(id) ?? "" },
        had: editionsHad(own),
        notice: notice === null ? null : noticeAt(own, notice, acknowledgedAt),
      },
    ];
  });
}
