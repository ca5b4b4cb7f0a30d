import { z } from "zod";
import { keyExists } from "../access/keys.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { invalidParameter, problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { lastCursorOf, usageByDay } from "./read.ts";
import { KeyUsage, MOST_DAYS, UsageQuery } from "./schema.ts";

const DAY = 86_400_000;
/** How many days are answered when nothing is said. */
const USUAL_DAYS = 30;

/** What each key fetched, for bills and for finding partners that fell behind. */
export function usageRoutes(app: App, newsroom: Newsroom): void {
  app.get(
    "/keys/:key/usage",
    {
      schema: {
        operationId: "getKeyUsage",
        summary: "Fetch what a key fetched, by day, and how far it has come",
        description:
          "Counted about a second after it was fetched, by days in UTC; kept when the key is revoked.",
        tags: ["Keys"],
        params: z.object({ key: z.string().describe("The key's id.") }),
        querystring: UsageQuery,
        response: { 200: KeyUsage },
      },
      config: { access: "keys:manage", problems: ["not-found"] },
    },
    async (request, reply) => {
      const { key: keyId } = request.params;
      if (!(await keyExists(newsroom.database, keyId)))
        throw problem("not-found", `There is no key with the id ${keyId}.`);
      const { from, until } = daysOf(request.query);
      const days = await usageByDay(newsroom, keyId, from, until);
      const sum = (name: "requests" | "bytes" | "articles") =>
        days.reduce((total, day) => total + day[name], 0);
      const total = { requests: sum("requests"), bytes: sum("bytes"), articles: sum("articles") };
      const lastCursor = await lastCursorOf(newsroom, keyId);
      return answer(request, reply, { body: { keyId, from, until, days, total, lastCursor } });
    },
  );
}

/** @throws 400 when they are too many, or end before they begin */
function daysOf({ from, until = dayOf(Date.now()) }: z.output<typeof UsageQuery>) {
  const first = from ?? dayOf(Date.parse(until) - (USUAL_DAYS - 1) * DAY);
  const days = (Date.parse(until) - Date.parse(first)) / DAY + 1;
  const refuse = (detail: string) => invalidParameter([{ pointer: "from", detail }]);
  if (days < 1) throw refuse(`must not be later than until, which is ${until}`);
  if (days > MOST_DAYS)
    throw refuse(`must be no more than ${MOST_DAYS} days before until, which is ${until}`);
  return { from: first, until };
}

const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);
