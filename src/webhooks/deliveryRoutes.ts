import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { nextLink } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { toldBy } from "./audience.ts";
import { messageOf, payloadOf } from "./payload.ts";
import { access, idOf, params, presentAttempt, tags, whoseFor } from "./common.ts";
import { Delivery, DeliveryList, DeliveryQuery, DeliveryWithBody } from "./schema.ts";
import {
  type DeliveryRow,
  addressed,
  findDelivery,
  findWebhook,
  listDeliveries,
  offForKey,
  redeliver,
} from "./store.ts";

const deliveryParams = params.extend({ delivery: idOf("delivery") });

/** Seeing what was sent to webhooks, and having it sent again. */
export function deliveryRoutes(app: App, newsroom: Newsroom): void {
  const { database, cursors } = newsroom;

  app.get(
    "/webhooks/:webhook/deliveries",
    {
      schema: {
        operationId: "listWebhookDeliveries",
        summary: "List what was and is to be sent to a webhook, the latest change first",
        description: "Deliveries are kept for thirty days.",
        tags,
        params,
        querystring: DeliveryQuery,
        response: { 200: DeliveryList },
      },
      config: { access, problems: ["not-found"] },
    },
    async (request, reply) => {
      const { limit, cursor, count, state } = request.query;
      const { id: webhookId } = await findWebhook(database, request.params.webhook, whoseFor(request));
      const listName = `webhook ${webhookId} ${state ?? "all"}`;
      const [before, id = ""] = cursor === undefined ? [] : cursors.read(listName, cursor);
      const where = { webhookId, ...(state === undefined ? {} : { state }) };
      const from = before === undefined ? undefined : { sequence: BigInt(before), id };
      const rows = await listDeliveries(database, where, from, limit + 1);
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursors.write(listName, [String(last.sequence), last.id]);
      const total = count ? { total: await database.webhookDelivery.count({ where }) } : {};
      return answer(request, reply, {
        body: { data: page.map(presentDelivery), page: { limit, next, ...total } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.get(
    "/webhooks/:webhook/deliveries/:delivery",
    {
      schema: {
        operationId: "getWebhookDelivery",
        summary: "Fetch a delivery with the body that is sent",
        tags,
        params: deliveryParams,
        response: { 200: DeliveryWithBody },
      },
      config: { access, problems: ["not-found"] },
    },
    async (request, reply) => {
      const webhook = await findWebhook(database, request.params.webhook, whoseFor(request));
      const row = await findDelivery(database, webhook.id, request.params.delivery);
      // Nothing is sent while the key may not have it, nor shown.
      const isOff = offForKey(webhook) !== undefined;
      const told = isOff ? undefined : await toldBy(newsroom.statements, addressed(webhook));
      const change = told && (await messageOf(newsroom, row, told));
      const body = told === undefined || change === undefined ? "" : payloadOf(cursors, change, told);
      return answer(request, reply, { body: { ...presentDelivery(row), body } });
    },
  );

  app.post(
    "/webhooks/:webhook/deliveries/:delivery/redeliver",
    {
      schema: {
        operationId: "redeliverWebhookDelivery",
        summary: "Send a delivery again, with the webhook-id that it has",
        tags,
        params: deliveryParams,
        response: { 200: Delivery },
      },
      config: { access, problems: ["not-found", "wrong-state"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const webhook = await findWebhook(tx, request.params.webhook, whoseFor(request));
        return { body: presentDelivery(await redeliver(tx, webhook, request.params.delivery)) };
      }),
  );
}

function presentDelivery(row: DeliveryRow) {
  const { id, state, sequence, standing, kind, articleId, createdAt, dueAt, deliveredAt, tries } = row;
  return {
    id,
    state,
    sequence: standing ? null : Number(sequence),
    kind,
    articleId,
    createdAt,
    nextAttemptAt: state === "pending" ? dueAt : null,
    deliveredAt,
    attempts: tries.toReversed().map((attempt) => presentAttempt(attempt, id)),
  };
}
