import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { auditRequest } from "../audit/record.ts";
import type { Transaction } from "../database/client.ts";
import { type Actor, transact } from "../database/transactions.ts";
import type { Newsroom } from "../newsroom.ts";
import { type Answer, type RenderedAnswer, render, send } from "./answer.ts";
import { problem } from "./problems.ts";

/** How long an Idempotency-Key is remembered, in hours; published in the OpenAPI document. */
export const IDEMPOTENCY_HOURS = 24;

/**
 * Does the work of a writing operation in one transaction and answers once it is committed: what
 * was answered is durable, and a failure changes nothing. What a key did is noted in the audit log by
 * the same transaction.
 *
 * A POST with an Idempotency-Key is done once. Its answer is kept in the same transaction as its
 * effect, so that neither exists without the other, and a request that died leaves no trace that
 * would block its repetition.
 *
 * @throws 422 when the key was used with another body, 409 while the first request still runs
 */
export async function write(
  newsroom: Newsroom,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (tx: Transaction) => Promise<Answer>,
): Promise<void> {
  const key = request.method === "POST" ? idempotencyKey(request) : undefined;
  const rendered = await transact(
    newsroom.database,
    async (tx) => {
      const done = async () => {
        const found = await work(tx);
        await auditRequest(tx, request, found);
        return found;
      };
      if (key === undefined) return render(reply, await done());
      return once(tx, request, key, async () => {
        const found = await done();
        return { sent: render(reply, found), kept: render(reply, withoutSecret(found)) };
      });
    },
    actorFor(request),
  );
  // Awaited until it is sent: a hook may still wait, and whoever resolves before is taken to have sent nothing.
  return send(request, reply, rendered);
}

/** Who does what a request asks for. */
export function actorFor({ caller }: FastifyRequest): Actor {
  return caller ?? { id: null, name: "anyone" };
}

/** A key's secret is shown once and stored nowhere, so a repeated answer comes without it, also one among others. */
export function withoutSecret(found: Answer): Answer {
  return { ...found, body: hideSecret(found.body) };
}

function hideSecret(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  if ("secret" in body) return { ...body, secret: null };
  if (!("results" in body) || !Array.isArray(body.results)) return body;
  return {
    ...body,
    results: body.results.map((result: { body: unknown }) => ({ ...result, body: hideSecret(result.body) })),
  };
}

async function once(
  tx: Transaction,
  request: FastifyRequest,
  key: string,
  work: () => Promise<{ sent: RenderedAnswer; kept: RenderedAnswer }>,
): Promise<RenderedAnswer> {
  const known = await recorded(tx, request, key);
  if (known !== undefined) return known;
  const { sent, kept } = await work();
  await record(tx, request, key, kept);
  return sent;
}

/** Whose key it is, and for what. */
function useOf(request: FastifyRequest) {
  return {
    caller: request.caller?.id ?? request.ip,
    route: `${request.method} ${request.url.split("?", 1)[0]}`,
  };
}

/**
 * The answer that a request with this Idempotency-Key got before; nobody else works on it until the
 * transaction ends.
 *
 * @throws 422 when the key was used with another body, 409 while the first request still runs
 */
export async function recorded(
  tx: Transaction,
  request: FastifyRequest,
  key: string,
): Promise<RenderedAnswer | undefined> {
  const { caller, route } = useOf(request);
  const lock = createHash("sha256").update(`${caller}\n${route}\n${key}`).digest().readBigInt64BE();
  const [taken] = await tx.$queryRaw<
    [{ taken: boolean }]
  >`SELECT pg_try_advisory_xact_lock(${lock}::bigint) AS taken`;
  if (!taken.taken) {
    throw problem(
      "still-running",
      "A request with this Idempotency-Key is still running. Try again in a moment.",
      {
        headers: { "retry-after": "1" },
      },
    );
  }
  const found = await tx.idempotencyRecord.findUnique({
    where: { caller_route_key: { caller, route, key } },
  });
  if (found === null) return undefined;
  if (!Buffer.from(found.fingerprint).equals(fingerprintOf(request))) {
    throw problem(
      "idempotency-key-reused",
      "This Idempotency-Key was used before with another body or other parameters. Use a new key for a new request.",
    );
  }
  const headers = found.headers as Record<string, string>;
  return {
    status: found.status,
    headers: { ...headers, "idempotency-replayed": "true" },
    body: found.body,
  };
}

/** Keeps the answer to a request with an Idempotency-Key, to be repeated; the first that is kept stays. */
export async function record(
  tx: Transaction,
  request: FastifyRequest,
  key: string,
  answer: RenderedAnswer,
): Promise<void> {
  const fingerprint = new Uint8Array(fingerprintOf(request));
  await tx.idempotencyRecord.createMany({
    data: [{ ...useOf(request), key, fingerprint, ...answer }],
    skipDuplicates: true,
  });
}

/**
 * The key by which a request wants to be done once, if it has one: the draft's quoted string
 * (draft-ietf-httpapi-idempotency-key-header-07, section 2.1), or a bare
 * token.
 *
 * @throws 400 when it is neither
 */
export function idempotencyKey(request: FastifyRequest): string | undefined {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return undefined;
  const value = String(header).trim();
  const key =
    /^"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"$/.exec(value)?.[1] ??
    /^[\x21\x23-\x7e]{1,255}$/.exec(value)?.[0];
  if (key === undefined) {
    throw problem(
      "invalid-parameter",
      "Idempotency-Key must be 1 to 255 printable ASCII characters, in double quotes or without spaces.",
      {
        errors: [{ pointer: "Idempotency-Key", detail: "must be 1 to 255 printable ASCII characters" }],
      },
    );
  }
  return key;
}

function fingerprintOf(request: FastifyRequest): Buffer {
  const query = request.url.split("?")[1] ?? "";
  const body = Buffer.isBuffer(request.body) ? request.body : JSON.stringify(request.body ?? null);
  return createHash("sha256").update(`${query}\n`).update(body).digest();
}

/** Forgets Idempotency-Keys that are older than promised. */
export async function forgetOldKeys(newsroom: Newsroom): Promise<void> {
  await newsroom.database.idempotencyRecord.deleteMany({
    where: { createdAt: { lt: new Date(Date.now() - IDEMPOTENCY_HOURS * 3_600_000) } },
  });
}
