import { z } from "zod";
import { presentArticle } from "../articles/present.ts";
import { Article } from "../articles/schema.ts";
import { type StoredArticle, loadArticle } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { lockInTurn } from "../editions/due.ts";
import { cancelPlan } from "../editions/plan.ts";
import { type Answer, answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { precondition } from "../http/conditional.ts";
import { wholeList } from "../http/paging.ts";
import { write } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { recordTransition } from "./history.ts";
import { kill } from "./kill.ts";
import { KillInput, NoteInput, ReturnInput, TransitionList } from "./schema.ts";
import { type Action, allowedFor, stateAfter, statesInWords } from "./states.ts";
import { refuseWithdrawn, withdrawForGood } from "./withdrawals.ts";

const tags = ["Desk"];
const params = z.object({ article: z.string().describe("The article's id or slug.") });
const response = { 200: Article };

/** An article's way over the desk: handing in, giving back, giving up what is planned, and withdrawing for good. */
export function deskRoutes(app: App, newsroom: Newsroom): void {
  const shown = (article: StoredArticle): Answer => ({
    body: presentArticle(article, newsroom.articleAddress),
    revision: article.row,
  });

  app.post(
    "/articles/:article/submit",
    {
      schema: {
        operationId: "submitArticle",
        summary: "Hand an article in for review",
        description: `The states of an article, and what leads from one to another:\n\n${statesInWords}`,
        tags,
        params,
        body: NoteInput,
        response,
      },
      config: {
        access: "articles:write",
        precondition: "optional",
        problems: ["not-found", "wrong-state", "withdrawn"],
      },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { article } = await lockInTurn(newsroom, tx, request.params.article, precondition(request));
        return shown(await move(tx, article, "submit", request.body?.note));
      }),
  );

  app.post(
    "/articles/:article/return",
    {
      schema: {
        operationId: "returnArticle",
        summary: "Give an article back to its author",
        tags,
        params,
        body: ReturnInput,
        response,
      },
      config: {
        access: "articles:write",
        precondition: "optional",
        problems: ["not-found", "wrong-state", "withdrawn"],
      },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { article } = await lockInTurn(newsroom, tx, request.params.article, precondition(request));
        return shown(await move(tx, article, "return", request.body.note));
      }),
  );

  app.post(
    "/articles/:article/cancel",
    {
      schema: {
        operationId: "cancelSchedule",
        summary: "Give up what is planned for an article",
        description: "What readers see now stays as it is.",
        tags,
        params,
        body: NoteInput,
        response,
      },
      config: {
        access: "articles:publish",
        precondition: "optional",
        problems: ["not-found", "wrong-state", "withdrawn"],
      },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { article } = await lockInTurn(newsroom, tx, request.params.article, precondition(request));
        return shown(await move(tx, await cancelPlan(tx, article), "cancel", request.body?.note));
      }),
  );

  app.post(
    "/articles/:article/kill",
    {
      schema: {
        operationId: "killArticle",
        summary: "Withdraw an article at once and for good",
        description:
          "For legal reasons: readers get 451 from then on (RFC 7725), its editions can be read with " +
          "`audit:read` alone, and it can never be published again.",
        tags,
        params,
        body: KillInput,
        response,
      },
      config: { access: "articles:kill", precondition: "optional", problems: ["not-found", "withdrawn"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const wanted = precondition(request);
        const { article, now } = await lockInTurn(newsroom, tx, request.params.article, wanted);
        const { row } = article;
        const { reason, publicReason = null } = request.body;
        await withdrawForGood(tx, row.id, reason, publicReason);
        return shown(await kill(newsroom, tx, article, now, { reason, publicReason }));
      }),
  );

  app.get(
    "/articles/:article/transitions",
    {
      schema: {
        operationId: "listTransitions",
        summary: "List an article's way over the desk, the newest step first",
        tags,
        params,
        response: { 200: TransitionList },
      },
      config: { access: "drafts:read", problems: ["not-found"] },
    },
    async (request, reply) => {
      const { row } = await loadArticle(newsroom.database, request.params.article);
      const isWithdrawn = await newsroom.database.withdrawal.findUnique({ where: { articleId: row.id } });
      const allowed = isWithdrawn === null ? allowedFor(row) : [];
      const steps = await newsroom.database.transition.findMany({
        where: { articleId: row.id },
        orderBy: { id: "desc" },
        take: 1000,
      });
      const data = steps.map(({ action, from, to, actor, note, at }) => ({
        action,
        from,
        to,
        actor,
        note,
        at: at.toISOString(),
      }));
      return answer(request, reply, { body: { ...wholeList(data), allowed } });
    },
  );
}

/** Takes an article to the state that an action leads to. */
async function move(
  tx: Transaction,
  article: StoredArticle,
  action: Action,
  note: string | undefined,
): Promise<StoredArticle> {
  await refuseWithdrawn(tx, article.row.id);
  const status = stateAfter(action, article.row);
  await recordTransition(tx, article.row, action, status, note);
  const data = { status, scheduledFor: null, updatedAt: new Date() };
  return { ...article, row: await tx.article.update({ where: { id: article.row.id }, data }) };
}
