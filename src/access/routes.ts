import { z } from "zod";
import { answer } from "../http/answer.ts";
import { type App, mergePatch } from "../http/app.ts";
import { publicCaching } from "../http/caching.ts";
import { nextLink, pageParameters, wholeList } from "../http/paging.ts";
import { type FieldError, invalidContent, pathPointer, problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { write } from "../http/write.ts";
import type { Prisma, Transaction } from "../database/client.ts";
import type { Newsroom } from "../newsroom.ts";
import { tellAnew } from "../webhooks/audience.ts";
import { requireKey, requireScope } from "./authenticate.ts";
import { entitle, entitlementNow, presentEntitlement, withTerms } from "./entitlements/store.ts";
import { generateKey, storeKey } from "./keys.ts";
import { allRoles, roles, rolesWith, scopesOf } from "./roles.ts";
import { Key, KeyInput, KeyList, KeyPatch, NewKey, RoleList } from "./schema.ts";

const tags = ["Keys"];
const access = "keys:manage";
const params = z.object({ key: z.string().describe("The key's id.") });

/** What a key is bound to, and limited to. */
const bindings = {
  author: true,
  sections: { include: { section: true } },
  entitlement: withTerms,
} as const;
type KeyRow = Prisma.KeyGetPayload<{ include: typeof bindings }>;

/** Listing, making and revoking keys, and what they may do. */
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
        include: bindings,
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
    "/roles",
    {
      schema: {
        operationId: "listRoles",
        summary: "List the roles that a key can have",
        tags,
        querystring: z.strictObject({}),
        response: { 200: RoleList },
      },
      config: { cached: true },
    },
    async (request, reply) =>
      answer(request, reply, {
        body: wholeList(allRoles.map((name) => ({ name, ...roles[name] }))),
        headers: publicCaching(request, newsroom, ["roles"]),
      }),
  );

  app.get(
    "/me",
    {
      schema: {
        operationId: "getOwnKey",
        summary: "Fetch the particulars of the key that asks",
        tags,
        response: { 200: Key },
      },
      config: { access: "key", heedsReach: true },
    },
    async (request, reply) => {
      const { id } = requireKey(request, "a key");
      return answer(request, reply, { body: present(await findKey(newsroom.database, id)) });
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
          "The answer holds the secret, which is shown this once. A key has `scopes` or a `role`; it can only grant what its maker may do. One with `sections` writes, and reads drafts, in those alone; one with an author puts that author on what it makes.",
        tags,
        body: KeyInput,
        response: { 201: NewKey },
      },
      config: { access },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { name, role, scopes, expiresAt } = request.body;
        for (const scope of role === undefined ? (scopes ?? []) : roles[role].scopes) {
          requireScope(request, scope);
        }
        requireFuture(expiresAt);
        const secret = generateKey();
        const { id } = await storeKey(tx, secret, {
          name,
          ...(role === undefined ? {} : { role }),
          ...(scopes === undefined ? {} : { scopes }),
          ...(await bindingsOf(tx, request.body)),
          expiresAt: expiresAt ?? null,
        });
        const { entitlement } = request.body;
        if (entitlement != null)
          await entitle(
            tx,
            { id, entitlement: null },
            role === undefined ? (scopes ?? []) : scopesOf({ role, scopes: [] }),
            entitlement,
          );
        return {
          status: 201,
          body: { ...present(await findKey(tx, id)), secret },
          headers: { location: `/v1/keys/${id}` },
        };
      }),
  );

  app.patch(
    "/keys/:key",
    {
      schema: {
        operationId: "updateKey",
        summary: "Change what a key is called, is entitled to, or when it ends",
        description:
          "The secret stays, and so does what it may do. What changes of an entitlement holds from the next request on; cursors of the change feed that were given out before are 410 then.",
        tags,
        params,
        body: KeyPatch,
        response: { 200: Key },
      },
      config: { access, consumes: mergePatch, problems: ["not-found", "in-use"] },
    },
    (request, reply) =>
      write(newsroom, request, reply, async (tx) => {
        const { name, entitlement, expiresAt } = request.body;
        const found = await keyToChange(tx, request.params.key);
        requireFuture(expiresAt);
        if (expiresAt != null) await requireAnotherManager(tx, found);
        // One change is made on top of the other.
        await tx.$queryRaw`SELECT FROM keys WHERE id = ${found.id}::uuid FOR UPDATE`;
        const row = await findKey(tx, found.id);
        await tx.key.update({
          where: { id: row.id },
          data: { ...(name !== undefined && { name }), ...(expiresAt !== undefined && { expiresAt }) },
        });
        if (entitlement !== undefined) {
          const former = await entitlementNow(tx, row.id);
          const isAnother = await entitle(tx, row, scopesOf(row), entitlement);
          if (isAnother) await tellAnew(tx, { keyId: row.id }, former);
        }
        return { body: present(await findKey(tx, row.id)) };
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
        const row = await keyToChange(tx, request.params.key);
        await requireAnotherManager(tx, row);
        // What it was bound to may be deleted from now on.
        await tx.key.update({
          where: { id: row.id },
          data: { revokedAt: new Date(), authorId: null, sections: { deleteMany: {} } },
        });
        await tellAnew(tx, { keyId: row.id }, await entitlementNow(tx, row.id));
        await tx.entitlement.deleteMany({ where: { keyId: row.id } });
        return { status: 204 };
      }),
  );
}

/**
 * The author and the sections that a key is to be bound to.
 *
 * @throws 422 for those that do not exist
 */
async function bindingsOf(
  tx: Transaction,
  { author, authorId, sections = [] }: z.output<typeof KeyInput>,
): Promise<{ authorId?: string; sectionIds: string[] }> {
  const errors: FieldError[] = [];
  const named = author ?? authorId;
  const bound =
    named === undefined
      ? null
      : await tx.author.findUnique({ where: author === undefined ? { id: named } : { slug: named } });
  if (named !== undefined && bound === null) {
    const field = author === undefined ? "authorId" : "author";
    errors.push({ pointer: pathPointer([field]), detail: "names no author that exists" });
  }
  const found = await tx.section.findMany({ where: { slug: { in: sections } } });
  for (const [index, slug] of sections.entries()) {
    if (found.some((section) => section.slug === slug)) continue;
    errors.push({ pointer: pathPointer(["sections", index]), detail: "names no section that exists" });
  }
  if (errors.length > 0) throw invalidContent(errors);
  return { ...(bound === null ? {} : { authorId: bound.id }), sectionIds: found.map(({ id }) => id) };
}

async function findKey(tx: Transaction, id: string): Promise<KeyRow> {
  const row = isId(id)
    ? await tx.key.findUnique({ where: { id, revokedAt: null }, include: bindings })
    : null;
  if (row === null) throw problem("not-found", `There is no key with the id ${id}.`);
  return row;
}

/** @throws 404 when there is no key with this id, 409 when a variable sets it */
async function keyToChange(tx: Transaction, id: string): Promise<KeyRow> {
  const found = await findKey(tx, id);
  if (found.origin === "environment") {
    throw problem(
      "in-use",
      "This key is set by DATELINE_ADMIN_KEY; change or unset the variable and restart.",
    );
  }
  return found;
}

/** @throws 422 when a key would have ended already */
function requireFuture(expiresAt: string | null | undefined): void {
  if (expiresAt != null && Date.parse(expiresAt) <= Date.now())
    throw invalidContent([{ pointer: "#/expiresAt", detail: "must be in the future" }]);
}

/** The last key that manages keys stays: without it nobody could make another. */
async function requireAnotherManager(tx: Transaction, row: KeyRow): Promise<void> {
  if (!scopesOf(row).includes("keys:manage")) return;
  const managers = rolesWith("keys:manage");
  // Two managers that revoke each other at the same moment must not both succeed.
  await tx.$queryRaw`SELECT id FROM keys WHERE revoked_at IS NULL AND ('keys:manage' = ANY (scopes) OR role = ANY (${managers}::"KeyRole"[])) ORDER BY id FOR UPDATE`;
  const others = await tx.key.count({
    where: {
      id: { not: row.id },
      revokedAt: null,
      expiresAt: null,
      // A key that is kept to some sections manages none.
      sections: { none: {} },
      OR: [{ scopes: { has: "keys:manage" } }, { role: { in: managers } }],
    },
  });
  if (others === 0) {
    throw problem(
      "in-use",
      "This is the last key with keys:manage that does not expire. Make another one before revoking it.",
    );
  }
}

function present(row: KeyRow) {
  const { id, name, hint, role, author, expiresAt, createdAt } = row;
  return {
    id,
    name,
    hint,
    role,
    scopes: scopesOf(row),
    author: author === null ? null : { id: author.id, name: author.name, slug: author.slug },
    sections: row.sections.map(({ section }) => section.slug).toSorted(),
    entitlement: row.entitlement === null ? null : presentEntitlement(row.entitlement),
    expiresAt,
    createdAt,
  };
}
