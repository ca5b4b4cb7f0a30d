import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { actingAs } from "../access/authenticate.ts";
import type { Transaction } from "../database/client.ts";
import { joining } from "../database/transactions.ts";
import type { App } from "../http/app.ts";
import { type ProblemType, problem, problemTypes } from "../http/problems.ts";
import { type Operation, REFERENCE, type Result } from "./schema.ts";

/** The headers of an answer that are passed on. */
const PASSED_ON = [
  "content-type",
  "etag",
  "location",
  "retry-after",
  "idempotency-replayed",
  "preference-applied",
];

/** What failed dependency means (RFC 4918, section 11.4): not done because of another. */
const NOT_DONE: Result = { status: 424, headers: {}, body: null };

/** Does each operation on its own, whatever becomes of the others. */
export async function doEach(
  app: App,
  request: FastifyRequest,
  operations: readonly Operation[],
  key: string | undefined,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, operation] of operations.entries()) {
    const path = pathOf(operation, results);
    if (path === undefined) results.push(NOT_DONE);
    else results.push(await perform(app, request, index, { ...operation, path }, key));
  }
  return results;
}

/**
 * Does all operations in one transaction.
 *
 * @throws 409 at the first that fails, or what that failed with where only time may help (429, 500,
 * 503), with `results` that say which it was
 */
export async function doAll(
  app: App,
  request: FastifyRequest,
  tx: Transaction,
  operations: readonly Operation[],
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, operation] of operations.entries()) {
    const path = pathOf(operation, results);
    const result =
      path === undefined
        ? NOT_DONE
        : await joining(tx, () => perform(app, request, index, { ...operation, path }, undefined));
    if (result.status >= 300) throw undone(operations, index, result);
    results.push(result);
  }
  return results;
}

/** Asks the application itself, as the caller from where the caller is. */
async function perform(
  app: App,
  request: FastifyRequest,
  index: number,
  { method, path, headers, body }: Operation,
  bulkKey: string | undefined,
): Promise<Result> {
  const { authorization, host } = request.headers;
  const type = headers["Content-Type"] ?? "application/json";
  const payload =
    body === undefined ? undefined : typeof body === "string" && !isJson(type) ? body : JSON.stringify(body);
  const own = method === "POST" && bulkKey !== undefined ? { "idempotency-key": keyFor(bulkKey, index) } : {};
  // Awaited within: what inject returns begins only when it is asked for its outcome.
  const answer = await actingAs(request.caller, async () => {
    const asked = await app.inject({
      method,
      url: path,
      remoteAddress: request.ip,
      headers: {
        ...own,
        ...headers,
        "x-request-id": `${request.id}.${index}`,
        ...(authorization === undefined ? {} : { authorization }),
        ...(host === undefined ? {} : { host }),
        ...(payload === undefined ? {} : { "content-type": type }),
      },
      ...(payload === undefined ? {} : { payload }),
    });
    return asked;
  });
  const passed = PASSED_ON.flatMap((name): [string, string][] => {
    const value = answer.headers[name];
    return value === undefined ? [] : [[name, String(value)]];
  });
  const text = answer.body;
  return {
    status: answer.statusCode,
    headers: Object.fromEntries(passed),
    body: text === "" ? null : isJson(String(answer.headers["content-type"])) ? JSON.parse(text) : text,
  };
}

function isJson(type: string): boolean {
  return /[/+]json\b/i.test(type);
}

/**
 * The key that makes an operation be done once when the whole bulk is to be: where a process died in
 * the middle, the repetition finds done what was done.
 */
function keyFor(bulkKey: string, index: number): string {
  return createHash("sha256").update(`${bulkKey}\n${index}`).digest("hex");
}

/** An operation's path with the ids that it takes from earlier ones; nothing when one of those gave none. */
function pathOf({ path }: Operation, results: readonly Result[]): string | undefined {
  let isWhole = true;
  const found = path.replaceAll(REFERENCE, (reference, index: string) => {
    const { status, body } = results[Number(index)] ?? NOT_DONE;
    const id = typeof body === "object" && body !== null && "id" in body ? body.id : undefined;
    if (status < 300 && typeof id === "string") return id;
    isWhole = false;
    return reference;
  });
  return isWhole ? found : undefined;
}

function undone(operations: readonly Operation[], index: number, result: Result) {
  const { method, path } = operations[index] ?? { method: "", path: "" };
  const detail = detailOf(result) ?? `It refers to an operation that answered with no id.`;
  return problem(
    typeOf(result.status),
    `None of the ${operations.length} operations was done, for #/operations/${index} failed, ${method} ${path}: ${detail}`,
    {
      headers: result.headers["retry-after"] ? { "retry-after": result.headers["retry-after"] } : {},
      members: { results: operations.map((_, place) => (place === index ? result : NOT_DONE)) },
    },
  );
}

/** What time may mend. */
const passing = ["too-many-requests", "unavailable", "internal-error"] as const;

/** Whether an operation may answer something else when it is sent again. */
export function isPassing({ status, body }: Result): boolean {
  const isRunning =
    typeof body === "object" && body !== null && "type" in body && body.type === "/problems/still-running";
  return isRunning || passing.some((type) => problemTypes[type].status === status);
}

/** What time may mend is answered as such, so that clients wait and try again. */
function typeOf(status: number): ProblemType {
  return passing.find((type) => problemTypes[type].status === status) ?? "bulk-undone";
}

function detailOf({ body }: Result): string | undefined {
  return typeof body === "object" && body !== null && "detail" in body ? String(body.detail) : undefined;
}
