import type { FastifyRequest } from "fastify";
import { v7 as uuid } from "uuid";
import { z } from "zod";
import { isWithin, requireKey, requireScope } from "../access/authenticate.ts";
import { writePosition } from "../changes/position.ts";
import type { Transaction } from "../database/client.ts";
import { answer } from "../http/answer.ts";
import { type App, mergePatch } from "../http/app.ts";
import { isWanted, precondition } from "../http/conditional.ts";
import { nextLink, pageParameters } from "../http/paging.ts";
import { invalidContent, problem } from "../http/problems.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { deliveryRoutes } from "./deliveryRoutes.ts";
import { testPayload } from "./payload.ts";
import { access, params, presentAttempt, tags, whoseFor } from "./common.ts";
import {
  Replay,
  Rotation,
  TestOutcome,
  Webhook,
  WebhookInput,
  WebhookList,
  WebhookPatch,
  WebhookWithSecret,
} from "./schema.ts";
import { type Sender, sender } from "./send.ts";
import {
  type Webhook as WebhookRow,
  changeWebhook,
  createWebhook,
  findWebhook,
  markedFor,
  offForKey,
  lockWebhook,
  replay,
  rotateSecret,
  secretsOf,
  withKey,
} from "./store.ts";

/** How long a test waits for the receiver, in milliseconds. */
const TEST_TIMEOUT = 10_000;

/** Setting up webhooks. */
export function webhookRoutes(app: App, newsroom: Newsroom): void {
  const { database, cursors, config } = newsroom;
  const tester = sender(config.DATELINE_WEBHOOK_HOSTS, { timeout: TEST_TIMEOUT });
  app.addHook("onClose", async () => {
    tester.close();
  });
  /** The webhook as it is answered, with no more of its secrets than is to be shown. */
  const shown = (row: WebhookRow, secret?: string) => {
    const { secret: _, formerSecret: __, key: ___, revision: ____, ...columns } = row;
    const isOff = offForKey(row);
    const position = writePosition(cursors, { sequence: row.position }, markedFor(row));
    const body = { ...columns, ...(isOff === undefined ? {} : { ...isOff, enabled: false }), position };
    return { body: secret === undefined ? body : { ...body, secret }, revision: row };
  };

  app.get(
    "/webhooks",
    {
      schema: {
        operationId: "listWebhooks",
        summary: "List the webhooks, the newest first",
        tags,
        querystring: z.strictObject(pageParameters),
        response: { 200: WebhookList },
      },
      config: { access },
    },
    async (request, reply) => {
      const { limit, cursor, count } = request.query;
      const after = cursor === undefined ? undefined : cursors.read("webhooks", cursor)[0];
      const whose = whoseFor(request);
      const rows = await database.webhook.findMany({
        where: { ...whose, ...(after === undefined ? {} : { id: { lt: after } }) },
        orderBy: { id: "desc" },
        take: limit + 1,
        include: withKey,
      });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : cursors.write("webhooks", [last.id]);
      const total = count ? { total: await database.webhook.count({ where: whose }) } : {};
      return answer(request, reply, {
        body: { data: page.map((row) => shown(row).body), page: { limit, next, ...total } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.post(
    "/webhooks",
    {
      schema: {
        operationId: "createWebhook",
        summary: "Set up a webhook",
        description: `${delivering} The answer holds the secret, which is shown this once.`,
        tags,
        body: WebhookInput,
        response: { 201: WebhookWithSecret },
      },
      config: { access, problems: ["count-limit"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { body } = request;
        refuseForbidden(tester, body.url);
        const row = await createWebhook(tx, { ...body, keyId: keyFor(request) }, whoseFor(request));
        return { status: 201, ...shown(row, row.secret), headers: { location: `/v1/webhooks/${row.id}` } };
      }),
  );

  app.get(
    "/webhooks/:webhook",
    {
      schema: {
        operationId: "getWebhook",
        summary: "Fetch a webhook",
        tags,
        params,
        response: { 200: Webhook },
      },
      config: { access, problems: ["not-found"] },
    },
    async (request, reply) =>
      answer(request, reply, shown(await findWebhook(database, request.params.webhook, whoseFor(request)))),
  );

  app.patch(
    "/webhooks/:webhook",
    {
      schema: {
        operationId: "updateWebhook",
        summary: "Change a webhook, or switch it off or on",
        tags,
        params,
        body: WebhookPatch,
        response: { 200: Webhook },
      },
      config: {
        access,
        precondition: "optional",
        consumes: mergePatch,
        problems: ["not-found", "wrong-state"],
      },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const row = await webhookToChange(tx, request);
        if (request.body.url !== undefined) refuseForbidden(tester, request.body.url);
        if (request.body.keyId !== undefined) keyFor(request);
        return shown(await changeWebhook(tx, row, request.body));
      }),
  );

  app.delete(
    "/webhooks/:webhook",
    {
      schema: {
        operationId: "deleteWebhook",
        summary: "Remove a webhook and what is known of its deliveries",
        tags,
        params,
        response: { 204: z.null() },
      },
      config: { access, precondition: "optional", problems: ["not-found"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { id } = await webhookToChange(tx, request);
        await tx.webhook.delete({ where: { id } });
        return { status: 204 };
      }),
  );

  app.post(
    "/webhooks/:webhook/rotate",
    {
      schema: {
        operationId: "rotateWebhookSecret",
        summary: "Give a webhook a new secret",
        description:
          "The answer holds it, this once. Until the overlap is over each message bears two signatures, by the new secret and by the one before it; one that was still in use from an earlier rotation ends at once.",
        tags,
        params,
        body: Rotation,
        response: { 200: WebhookWithSecret },
      },
      config: { access, problems: ["not-found"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const row = await lockWebhook(tx, request.params.webhook, whoseFor(request));
        const rotated = await rotateSecret(tx, row, request.body.overlap);
        return shown(rotated, rotated.secret);
      }),
  );

  app.post(
    "/webhooks/:webhook/test",
    {
      schema: {
        operationId: "testWebhook",
        summary: "Send an event of the type webhook.test now, and say what came back",
        description: "It is sent once, also while the webhook is switched off, and counts for nothing else.",
        tags,
        params,
        response: { 200: TestOutcome },
      },
      config: { access, problems: ["not-found", "conflict"] },
    },
    async (request, reply) => {
      if (isWithin()) throw problem("conflict", "A webhook is tested by itself, and not within a bulk.");
      const find = (tx: Transaction) => findWebhook(tx, request.params.webhook, whoseFor(request));
      const row = await find(database);
      // A receiver that does not answer must keep neither a connection to the database nor a place from others.
      request.leave?.();
      const message = { url: row.url, id: uuid(), body: testPayload(row.id, new Date()) };
      const outcome = await tester.send({ ...message, secrets: secretsOf(row) });
      return write(newsroom, request, reply, async (tx) => {
        await find(tx);
        return { body: presentAttempt({ ...outcome, url: row.url }, message.id) };
      });
    },
  );

  app.post(
    "/webhooks/:webhook/replay",
    {
      schema: {
        operationId: "replayWebhook",
        summary: "Send again whatever changed after a cursor of the change feed",
        description:
          "In the order of the changes, each with the `webhook-id` that it had, as long as its delivery is kept.",
        tags,
        params,
        body: Replay,
        response: { 200: Webhook },
      },
      config: { access, problems: ["not-found"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const row = await lockWebhook(tx, request.params.webhook, whoseFor(request));
        return shown(await replay(tx, cursors, row, request.body.since));
      }),
  );

  deliveryRoutes(app, newsroom);
}

const delivering =
  "From now on each change of what readers get is sent there as JSON, as `listChanges` tells it, signed by " +
  "[Standard Webhooks](https://www.standardwebhooks.com): at least once, those of an article in their order, and again " +
  "for three days, at growing intervals, until it is answered with 2xx. Redirects are failures. A receiver that " +
  "answers 410, or fails for three days, has its webhook switched off.";

/**
 * Whose webhook it is to be: that of the key that asks unless another is named.
 *
 * @throws 403 when another is named by a key that manages its own alone
 */
function keyFor(request: FastifyRequest<{ Body: { keyId?: string | null | undefined } }>): string | null {
  const { id } = requireKey(request, "a key");
  const { keyId = id } = request.body;
  if (keyId !== id) requireScope(request, "webhooks:manage");
  return keyId;
}

/** The webhook that a request names, locked, after its If-Match was found to fit. */
async function webhookToChange(
  tx: Transaction,
  request: FastifyRequest<{ Params: { webhook: string } }>,
): Promise<WebhookRow> {
  const row = await lockWebhook(tx, request.params.webhook, whoseFor(request));
  if (!isWanted(precondition(request), row)) {
    throw problem(
      "precondition-failed",
      "It was changed since. Fetch it again and repeat the change on top.",
    );
  }
  return row;
}

function refuseForbidden({ refusal }: Sender, url: string): void {
  const detail = refusal(url);
  if (detail !== undefined) throw invalidContent([{ pointer: "#/url", detail }]);
}
