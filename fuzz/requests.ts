import fc from "fast-check";
import type { Caller, Cast } from "./callers.ts";
import type { Contract, Operation, Parameter, Schema } from "./contract.ts";
import type { Pool } from "./pool.ts";
import { anyText, filled, hostile, pick, valuesOf } from "./schemas.ts";
import type { Request } from "./send.ts";
import * as traps from "./traps.ts";

/** What kind of request it is meant to be. */
export type Manner = "valid" | "invalid" | "hostile" | "wire";

/** A request with gaps that are filled from the pool when it is sent. */
export interface Plan {
  manner: Manner;
  /** By name. */
  caller: string;
  method: string;
  /** Which of the known things it is about. */
  nth: number;
  /** Segments in place of the path's parameters, as they are sent. */
  segments: Record<string, unknown>;
  /** Stands before and behind the path. */
  around: readonly [before: string, behind: string];
  query: [name: string, value: unknown][];
  rawQuery?: string;
  /** Goes on with a list, in place of path and query. */
  continues?: boolean;
  headers: [name: string, value: unknown][];
  body?: Body;
  wire?: string;
}

/** A body as a value, as text or bytes, or as a length that is past the limit. */
interface Body {
  type: string | undefined;
  json?: unknown;
  raw?: string | Buffer;
  length?: number;
}

/** More than any operation takes, in bytes. */
const TOO_LONG = 8 * 1024 * 1024 + 1;

/** Makes the arbitraries of requests for the operations of a document. */
export function requestsFor(contract: Contract, cast: Cast) {
  const { valid, invalid } = valuesOf(contract);
  const names = cast.callers.map(({ name }) => name);

  function capable({ scopes, needsKey }: Operation): fc.Arbitrary<string> {
    const fit = cast.callers.filter(
      (caller) =>
        caller.name !== "wrong" &&
        caller.name !== "revoked" &&
        (scopes[0] === undefined || !needsKey || caller.scopes.has(scopes[0])) &&
        (!needsKey || caller.key !== undefined),
    );
    return fc.oneof(
      { arbitrary: fc.constant(needsKey || scopes.length > 0 ? "admin" : "anyone"), weight: 5 },
      {
        arbitrary: needsKey
          ? fc.constantFrom("admin", "publisher")
          : fc.constantFrom("partner", "entitled partner"),
        weight: 2,
      },
      { arbitrary: fc.constantFrom(...fit.map(({ name }) => name)), weight: 2 },
    );
  }

  const inQuery = ({ parameters }: Operation): Schema => ({
    type: "object",
    properties: Object.fromEntries(
      parameters.filter((one) => one.in === "query").map((one) => [one.name, one.schema]),
    ),
  });

  /** A header that the operation knows, as it should be; often left out where it may be. */
  function headerOf({ name, schema }: Parameter): fc.Arbitrary<[string, unknown][]> {
    const values: Record<string, fc.Arbitrary<unknown>> = {
      "If-Match": fc.oneof(
        { arbitrary: fc.constant("*"), weight: 3 },
        { arbitrary: pick("etag"), weight: 3 },
        fc.constant('"0-stale"'),
      ),
      "If-None-Match": fc.oneof(pick("etag"), fc.constant('"a", W/"b"')),
      Prefer: fc.constantFrom("merge", "respond-async, merge"),
      "Idempotency-Key": fc.oneof(fc.constantFrom('"one"', "two", "the-administrators"), fc.uuid()),
    };
    const value = values[name] ?? valid(schema, name);
    const given = value.map((found): [string, unknown][] => [[name, found]]);
    const odds = name === "If-Match" ? 8 : 1;
    return fc.oneof(
      { arbitrary: given, weight: odds },
      { arbitrary: fc.constant<[string, unknown][]>([]), weight: name === "If-Match" ? 0 : 3 },
    );
  }

  function bodyOf(
    { body }: Operation,
    make: (schema: Schema) => fc.Arbitrary<unknown>,
  ): fc.Arbitrary<Body | undefined> {
    if (body === undefined) return fc.constant(undefined);
    return fc.oneof(
      ...Object.entries(body).map(([type, { schema }]): fc.Arbitrary<Body> => {
        if (contract.resolve(schema).type !== "string") return make(schema).map((json) => ({ type, json }));
        return (type.endsWith("ndjson") ? lines : page).map((raw) => ({ type, raw: raw as string }));
      }),
    );
  }
  const line = pick("line of an export");
  const lines = fc.oneof(
    fc.array(line, { maxLength: 3 }).map((some) => ({ lines: some })),
    fc.constantFrom<unknown>(...traps.lineBodies),
  );
  const page = fc.oneof(
    fc.constantFrom<unknown>(...traps.pages),
    fc
      .array(
        fc.oneof(
          anyText,
          fc.constantFrom("KEY POINTS", "• A point", "ALSO READ: More", "", "LONDON, UK: Text"),
        ),
        { minLength: 1, maxLength: 8 },
      )
      .map((found) => found.join("\n\n")),
  );

  function validPlan(operation: Operation): fc.Arbitrary<Plan> {
    const { method, parameters } = operation;
    return fc.record({
      manner: fc.constant<Manner>("valid"),
      caller: capable(operation),
      method:
        method === "GET"
          ? fc.oneof({ arbitrary: fc.constant("GET"), weight: 12 }, fc.constant("HEAD"))
          : fc.constant(method),
      nth: fc.nat(10_000),
      segments: fc.constant({}),
      around: fc.constant(["", ""] as const),
      query: valid(inQuery(operation), "").map((found) => Object.entries(found as object)),
      continues: fc.nat(4).map((one) => one === 0),
      headers: fc
        .tuple(...parameters.filter((one) => one.in === "header").map(headerOf))
        .map((found) => found.flat()),
      body: bodyOf(operation, (schema) => valid(schema, "")),
    }) as fc.Arbitrary<Plan>;
  }

  /** The valid request with one thing changed. */
  function altered<Value>(
    operation: Operation,
    manner: Manner,
    change: fc.Arbitrary<Value>,
    apply: (plan: Plan, value: Value) => Partial<Plan>,
  ): fc.Arbitrary<Plan> {
    return fc
      .tuple(validPlan(operation), change)
      .map(([plan, value]) => ({ ...plan, continues: false, manner, ...apply(plan, value) }));
  }

  const replacing = (plan: Plan, name: string, value: unknown): [string, unknown][] => [
    ...plan.headers.filter(([one]) => one.toLowerCase() !== name.toLowerCase()),
    [name, value],
  ];

  function invalidPlan(operation: Operation): fc.Arbitrary<Plan> {
    const { body, parameters } = operation;
    const query = inQuery(operation);
    const params = parameters.filter((one) => one.in === "path");
    const header = (name: string) => parameters.some((one) => one.name === name);
    const plans = [
      altered(operation, "invalid", fc.constantFrom(...names), (_plan, caller) => ({ caller })),
      altered(operation, "invalid", invalid(query, ""), (_plan, found) => ({
        query: Object.entries(found ?? {}),
      })),
    ];
    if (body !== undefined) {
      plans.push(
        altered(
          operation,
          "invalid",
          bodyOf(operation, (schema) => invalid(schema, "")),
          (_plan, bad) => (bad === undefined ? {} : { body: bad }),
        ),
        altered(
          operation,
          "invalid",
          bodyOf(operation, (schema) => invalid(schema, "")),
          (_plan, bad) => (bad === undefined ? {} : { body: bad }),
        ),
        altered(operation, "invalid", fc.constantFrom(...traps.mediaTypes), (plan, type) => ({
          body: { ...plan.body, type },
        })),
        altered(
          operation,
          "invalid",
          fc.constantFrom<string | undefined>(undefined, ...Object.keys(body)),
          (_plan, type) => ({ body: { type, raw: "" } }),
        ),
      );
    }
    if (header("If-Match"))
      plans.push(
        altered(
          operation,
          "invalid",
          fc.constantFrom("", "a", '"1-a"', 'W/"1-a"', '"1-a', "*, *"),
          (plan, value) => ({
            headers:
              value === ""
                ? plan.headers.filter(([name]) => name !== "If-Match")
                : replacing(plan, "If-Match", value),
          }),
        ),
      );
    if (params.length > 0)
      plans.push(
        altered(
          operation,
          "invalid",
          fc.tuple(
            fc.constantFrom(...params.map(({ name }) => name)),
            fc.oneof(fc.uuid(), fc.constantFrom("nothing-of-the-kind", "0", "999999", "Capital")),
          ),
          (_plan, [name, value]) => ({
            segments: { [name]: value },
          }),
        ),
      );
    return fc.oneof(...plans);
  }

  function hostilePlan(operation: Operation): fc.Arbitrary<Plan> {
    const { body, parameters, method } = operation;
    const params = parameters.filter((one) => one.in === "path").map(({ name }) => name);
    const queried = parameters.filter((one) => one.in === "query").map(({ name }) => name);
    const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter(
      (one) => one !== method,
    );
    const plans = [
      altered(operation, "hostile", fc.constantFrom(...traps.queries), (_plan, rawQuery) => ({ rawQuery })),
      altered(operation, "hostile", fc.constantFrom(...traps.headers), (plan, [name, value]) => ({
        headers: replacing(plan, name, value),
      })),
      altered(operation, "hostile", fc.constantFrom(...methods), (_plan, other) => ({ method: other })),
      altered(
        operation,
        "hostile",
        fc.constantFrom<[string, string]>(
          ["", "/"],
          ["/", ""],
          ["/.", ""],
          ["", "/."],
          ["", "/.."],
          ["/v1/..", ""],
          ["", "%20"],
          ["", "%00"],
          ["", ";a"],
          ["", "/%2e%2e/%2e%2e"],
          ["http://evil.invalid", ""],
        ),
        (_plan, around) => ({ around }),
      ),
    ];
    if (params.length > 0)
      for (const _ of ["twice", "as often"])
        plans.push(
          altered(
            operation,
            "hostile",
            fc.tuple(
              fc.constantFrom(...params),
              fc.oneof(fc.constantFrom(...traps.segments), fc.constantFrom(...traps.strings).map(escaped)),
            ),
            (_plan, [name, raw]) => ({ segments: { [name]: raw } }),
          ),
        );
    if (queried.length > 0)
      for (const _ of ["twice", "as often"])
        plans.push(
          altered(
            operation,
            "hostile",
            fc.tuple(fc.constantFrom(...queried), fc.constantFrom(...traps.strings)),
            (plan, [name, value]) => ({
              query: [...plan.query.filter(([one]) => one !== name), [name, value] as [string, unknown]],
            }),
          ),
        );
    if (body !== undefined) {
      const bad = bodyOf(operation, (schema) => hostile(valid(schema, "")));
      const tooLong = altered(operation, "hostile", fc.constant(TOO_LONG), (plan, length) => ({
        body: { type: plan.body?.type, length },
      }));
      const [aBody, more, raw] = [
        altered(operation, "hostile", bad, (_plan, found) => (found === undefined ? {} : { body: found })),
        altered(operation, "hostile", bad, (_plan, found) => (found === undefined ? {} : { body: found })),
        altered(operation, "hostile", fc.constantFrom(...traps.bodies), (plan, found) => ({
          body: { type: plan.body?.type, raw: found },
        })),
      ];
      // Rare, since each takes as long as fifty others.
      const rarely = fc.oneof({ arbitrary: raw, weight: 40 }, { arbitrary: tooLong, weight: 1 });
      plans.push(aBody, more, rarely);
    } else {
      plans.push(
        altered(operation, "hostile", fc.constantFrom(...traps.bodies), (_plan, raw) => ({
          body: { type: "application/json", raw },
        })),
      );
    }
    return fc.oneof(...plans);
  }

  function wirePlan(operation: Operation): fc.Arbitrary<Plan> {
    return altered(operation, "wire", fc.constantFrom(...traps.wires), (_plan, wire) => ({
      wire,
      body: { type: undefined },
    }));
  }

  const isStream = ({ answers }: Operation) => answers[200]?.content?.["text/event-stream"] !== undefined;

  return (operation: Operation): fc.Arbitrary<Plan> =>
    fc.oneof(
      { arbitrary: validPlan(operation), weight: 50 },
      { arbitrary: invalidPlan(operation), weight: 24 },
      { arbitrary: hostilePlan(operation), weight: 24 },
      // What never ends cannot be waited for on the wire.
      { arbitrary: wirePlan(operation), weight: isStream(operation) ? 0 : 2 },
    );
}

/** Whether a text can be the target of a request as it stands. */
const sendable = /^[\x21-\xff]+$/;

/** Fills a plan's gaps with what the pool knows, so that it can be sent. */
export function asRequest(plan: Plan, operation: Operation, pool: Pool, cast: Cast): Request {
  const caller = cast.callers.find(({ name }) => name === plan.caller) ?? cast.admin;
  const base = addressFor(plan, operation, pool, cast, caller);
  const near: Record<string, unknown> = {
    etag: pool.tag(base) ?? '"1-none"',
    sequence: pool.sequence(base.split("/").slice(0, 4).join("/")) ?? 1,
  };
  const take = (from: string, nth: number) => near[from] ?? pool.take(from, nth) ?? "nothing-yet";
  const steps = base.split("/");
  const segments = operation.path.split("/").map((step, index) => {
    const name = /^\{(\w+)\}$/.exec(step)?.[1];
    if (name === undefined) return step;
    const wanted = plan.segments[name];
    return wanted === undefined
      ? (steps[index] ?? fallback[name] ?? "nothing-yet")
      : String(filled(wanted, take));
  });
  const [before, behind] = plan.around;
  const query = new URLSearchParams(
    plan.query.map(([name, value]): [string, string] => {
      const found = filled(value, take);
      return [name, typeof found === "string" ? found : (JSON.stringify(found) ?? "")];
    }),
  ).toString();
  const asked = plan.rawQuery ?? query;
  const plain = `${before}${segments.join("/")}${behind}${asked === "" ? "" : `?${asked}`}`;
  const continued = plan.continues === true ? pool.take(`${operation.id} continuation`, plan.nth) : undefined;
  const target = continued ?? plain;
  const body = bytesOf(plan.body, take);
  const type = plan.body?.type;
  const headers = [
    ...(caller.key === undefined ? [] : [["Authorization", `Bearer ${caller.key}`]]),
    ...(body === undefined || type === undefined ? [] : [["Content-Type", type]]),
    ...plan.headers.map(([name, value]) => [name, headerValue(String(filled(value, take)))]),
  ] as [string, string][];
  // Of those that can stand there once alone, the last.
  const once = new Map(
    headers.map(([name, value]) => [name.toLowerCase(), [name, value] as [string, string]]),
  );
  return {
    caller,
    method: plan.method,
    target: sendable.test(target) ? target : encodeURI(target.toWellFormed()),
    headers: [...once.values()],
    body,
    ...(plan.wire === undefined
      ? {}
      : {
          wire: plan.wire
            .replaceAll("HOST", "127.0.0.1")
            .replaceAll("PATH", sendable.test(plain) ? plain : "/")
            .replaceAll("KEY", caller.key ?? "none"),
        }),
  };
}

/** Names that the document's examples and the run's beginning have. */
const fallback: Record<string, string> = {
  network: "whatsapp",
  revision: "1",
  other: "1",
  edition: "1",
  name: "not-found",
};

/** In which state an article must be for these. */
const states: Record<string, string> = {
  unpublishArticle: "published",
  submitArticle: "draft",
  returnArticle: "in_review",
  cancelSchedule: "scheduled",
  recordShare: "published",
  acknowledgeChange: "changed",
};

/**
 * The address of something that is known, for as much of the path as it can be known of. Whoever may
 * not see what is hidden tries its addresses too.
 */
function addressFor(plan: Plan, operation: Operation, pool: Pool, cast: Cast, caller: Caller): string {
  const { path } = operation;
  const isRead = plan.method === "GET" || plan.method === "HEAD";
  if (path.startsWith("/v1/articles/{article}") && plan.nth % 5 === 0 && (isRead || cast.isOutsider(caller)))
    return `/v1/articles/${cast.hidden[plan.nth % cast.hidden.length]}`;
  // What is restored is in the trash.
  if (operation.id === "restoreArticle") {
    const trashed = pool.take("/v1/trash/{article}", plan.nth);
    if (trashed !== undefined) return `/v1/articles/${trashed}`;
  }
  const state = states[operation.id];
  const found =
    state === undefined || plan.nth % 4 === 0 ? undefined : pool.take(`${state} address`, plan.nth);
  if (found !== undefined) return found;
  if (path === "/a/{article}") return `/a/${pool.take("slug", plan.nth) ?? ""}`;
  const steps = path.split("/");
  for (let length = steps.length; length > 1; length -= 1) {
    const nearest = pool.take(`${steps.slice(0, length).join("/")} address`, plan.nth);
    if (nearest !== undefined) return nearest;
  }
  return "";
}

function bytesOf(body: Body | undefined, take: (from: string, nth: number) => unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (body.length !== undefined) return Buffer.alloc(body.length, " ");
  if (body.raw !== undefined) {
    if (Buffer.isBuffer(body.raw)) return body.raw;
    const raw = filled(body.raw, take);
    return Buffer.from(typeof raw === "string" ? raw : exportOf((raw as { lines: string[] }).lines));
  }
  return "json" in body ? Buffer.from(JSON.stringify(filled(body.json, take)) ?? "") : undefined;
}

/** An export of some lines. */
function exportOf(lines: string[]): string {
  const known = [...new Set(lines)].filter((one) => one.startsWith("{"));
  return [
    { kind: "dateline", format: 1 },
    { kind: "end", lines: known.length },
  ]
    .map((one) => JSON.stringify(one))
    .toSpliced(1, 0, ...known)
    .join("\n")
    .concat("\n");
}

/** What Node lets through in a header; the rest is sent on the wire. */
function headerValue(value: string): string {
  return value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?");
}

function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
