import { z } from "zod";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { nextLink, pageParameters } from "../http/paging.ts";
import { invalidContent, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { write } from "../http/write.ts";
import type { Key as KeyRow } from "../database/generated/client.ts";
import type { Transaction } from "../database/client.ts";
import type { Newsroom } from "../newsroom.ts";
import { requireScope } from "./authenticate.ts";
import { generateKey, storeKey } from "./keys.ts";
import { Key, KeyInput, KeyList, NewKey } from "./schema.ts";

const tags = ["Keys"];
const access = "keys:manage";
const params = z.object({ key: z.string().describe("The key's id.") });

/** Listing, making and revoking keys. */
export function keyRoutes(app: App, newsroom: Newsroom): void {
  app.get(
    "/keys",
    {
      schema: {
        operationId: "listKeys",
        summary: "List the keys that were not revoked",
        tags,
        querystring: z.strictObject(pageParameters),
        response: { 200: KeyList },
      },
      config: { access },
    },
    async (request, reply) => {
      const { limit, cursor, count } = request.query;
      const after = cursor === undefined ? undefined : newsroom.cursors.read("keys", cursor)[0];
      const rows = await newsroom.database.key.findMany({
        where: { revokedAt: null, ...(after === undefined ? {} : { id: { lt: after } }) },
        orderBy: { id: "desc" },
        take: limit + 1,
      });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : newsroom.cursors.write("keys", [last.id]);
      const total = count ? { total: await newsroom.database.key.count({ where: { revokedAt: null } }) } : {};
      return answer(request, reply, {
        body: { data: page.map(present), page: { limit, next, ...total } },
        headers: nextLink(request.url, next),
      });
    },
  );

  app.get(
    "/keys/:key",
    {
      schema: {
        operationId: "getKey",
        summary: "Fetch a key's particulars",
        tags,
        params,
        response: { 200: Key },
      },
      config: { access, problems: ["not-found"] },
    },
    async (request, reply) =>
      answer(request, reply, { body: present(await findKey(newsroom.database, request.params.key)) }),
  );

  app.post(
    "/keys",
    {
      schema: {
        operationId: "createKey",
        summary: "Make a key",
        description:
          "The answer holds the secret, which is shown this once. A key can only grant what its maker may do.",
        tags,
        body: KeyInput,
        response: { 201: NewKey },
      },
      config: { access },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { expiresAt, ...input } = request.body;
        for (const scope of input.scopes) requireScope(request, scope);
        if (expiresAt != null && Date.parse(expiresAt) <= Date.now()) {
          throw invalidContent([{ pointer: "#/expiresAt", detail: "must be in the future" }]);
        }
        const secret = generateKey();
        const row = await storeKey(tx, secret, { ...input, expiresAt: expiresAt ?? null });
        return {
          status: 201,
          body: { ...present(row), secret },
          headers: { location: `/v1/keys/${row.id}` },
        };
      }),
  );

  app.delete(
    "/keys/:key",
    {
      schema: {
        operationId: "revokeKey",
        summary: "Revoke a key",
        tags,
        params,
        response: { 204: z.null() },
      },
      config: { access, problems: ["not-found", "in-use"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const row = await findKey(tx, request.params.key);
        if (row.origin === "environment") {
          throw problem(
            "in-use",
            "This key is set by DATELINE_ADMIN_KEY; change or unset the variable and restart.",
          );
        }
        await requireAnotherManager(tx, row);
        await tx.key.update({ where: { id: row.id }, data: { revokedAt: new Date() } });
        return { status: 204 };
      }),
  );
}

async function findKey(tx: Transaction, id: string): Promise<KeyRow> {
  const row = isId(id) ? await tx.key.findUnique({ where: { id, revokedAt: null } }) : null;
  if (row === null) throw problem("not-found", `There is no key with the id ${id}.`);
  return row;
}

/** The last key that manages keys stays: without it nobody could make another. */
async function requireAnotherManager(tx: Transaction, row: KeyRow): Promise<void> {
  if (!row.scopes.includes("keys:manage")) return;
  // Two managers that revoke each other at the same moment must not both succeed.
  await tx.$queryRaw`SELECT id FROM keys WHERE revoked_at IS NULL AND 'keys:manage' = ANY (scopes) ORDER BY id FOR UPDATE`;
  const others = await tx.key.count({
    where: { id: { not: row.id }, revokedAt: null, expiresAt: null, scopes: { has: "keys:manage" } },
  });
  if (others === 0) {
    throw problem(
      "in-use",
      "This is the last key with keys:manage that does not expire. Make another one before revoking it.",
    );
  }
}

function present(row: KeyRow) {
  const { id, name, hint, scopes, expiresAt, createdAt } = row;
  return { id, name, hint, scopes, expiresAt, createdAt };
}
