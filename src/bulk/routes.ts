import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { isWithin } from "../access/authenticate.ts";
import { transact } from "../database/transactions.ts";
import { takeTurn } from "../editions/live.ts";
import { answer, render, send } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { problem } from "../http/problems.ts";
import { idempotencyKey, record, recorded, withoutSecret, write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { doAll, doEach, isPassing } from "./operations.ts";
import { BulkInput, BulkResults } from "./schema.ts";

type BulkRequest = FastifyRequest<{ Body: z.output<typeof BulkInput> }>;

/** Many operations in one request. */
export function bulkRoutes(app: App, newsroom: Newsroom): void {
  app.post(
    "/bulk",
    {
      schema: {
        operationId: "doInBulk",
        summary: "Do up to a hundred writing operations",
        description:
          "Each operation is held to what it is held to by itself: its key, its preconditions, its limits. When they are atomic all are done in one transaction and the first that fails undoes all: the answer is then 409 (or 429, 500, 503 where that was the fault), with `results` that hold its answer and 424 for the others. Otherwise each stands alone, and the answer is 200 whatever became of them: look at each status.",
        tags: ["Bulk"],
        body: BulkInput,
        response: { 200: BulkResults },
      },
      config: { alsoFor: "articles:write", problems: ["bulk-undone"] },
    },
    async (request, reply) => {
      if (isWithin()) throw problem("wrong-state", "A bulk cannot be an operation of another.");
      const { atomic, operations } = request.body;
      if (!atomic) return each(app, newsroom, request, reply);
      return write(newsroom, request, reply, async (tx) => {
        // One at a time, as publishing is: two that change the same articles cannot wait for each other.
        await takeTurn(tx);
        return { body: { results: await doAll(app, request, tx, operations) } };
      });
    },
  );
}

/**
 * An Idempotency-Key holds for the whole and, by keys made from it, for each POST within: no
 * transaction is kept open around the others', and still nothing is made twice.
 */
async function each(
  app: App,
  newsroom: Newsroom,
  request: BulkRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { database } = newsroom;
  const key = idempotencyKey(request);
  const known = key === undefined ? undefined : await transact(database, (tx) => recorded(tx, request, key));
  if (known !== undefined) return send(request, reply, known);
  const results = await doEach(app, request, request.body.operations, key);
  const found = { body: { results } };
  // What is to be sent again finds done what was done, and does the rest.
  if (key !== undefined && !results.some(isPassing)) {
    const kept = render(reply, withoutSecret(found));
    await transact(database, (tx) => record(tx, request, key, kept));
  }
  return answer(request, reply, found);
}
