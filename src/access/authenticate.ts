import { AsyncLocalStorage } from "node:async_hooks";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { atOnce } from "../http/hooks.ts";
import { problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { requireFormat } from "./entitlements/entitlement.ts";
import { guessing } from "./guessing.ts";
import { type Caller, callerOf } from "./keys.ts";
import type { Scope } from "./scopes.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Who sent the request; null without a key. */
    caller: Caller | null;
  }
}

const acting = new AsyncLocalStorage<{ caller: Caller | null }>();

/** Lets requests that are made from within stand for a caller who is known already. */
export function actingAs<T>(caller: Caller | null, work: () => Promise<T>): Promise<T> {
  return acting.run({ caller }, work);
}

/** Whether a request is made from within another. */
export function isWithin(): boolean {
  return acting.getStore() !== undefined;
}

/**
 * Finds out who sends each request and holds it against what its route demands, before any body
 * is read. A wrong key is refused even where none is needed, so that a mistake shows at once.
 *
 * The refusal comes a step after the finding out, with the rate limits between the two: they count
 * per caller, and whoever tries keys is held to what an address may do.
 */
export function authenticate(app: FastifyInstance, newsroom: Newsroom): void {
  app.decorateRequest("caller", null);
  // What says nothing else is open to anyone, or to whoever has a key.
  const open = newsroom.config.DATELINE_PUBLIC_READING ? "public" : "key";
  const guesses = guessing(newsroom);
  const identify = async (request: FastifyRequest, key: string, done: (error?: Error) => void) => {
    try {
      guesses.check(request, key);
      request.caller = await callerOf(newsroom.statements, key);
      await guesses.learn(request, key, request.caller !== null);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
  app.addHook("onRequest", (request, _reply, done) => {
    const known = acting.getStore();
    if (known !== undefined) {
      request.caller = known.caller;
      done();
      return;
    }
    const key = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (key === undefined) {
      done();
      return;
    }
    void identify(request, key, done);
  });
  const refuse = atOnce((request) => {
    if (request.headers.authorization !== undefined && request.caller === null) {
      throw problem(
        "key-invalid",
        "The key is wrong, revoked or expired. Send Authorization: Bearer KEY with a key that is good.",
        {
          headers: { "www-authenticate": 'Bearer realm="dateline", error="invalid_token"' },
        },
      );
    }
    const { access = open, delivers } = request.routeOptions.config;
    if (access === "key") requireKey(request, "a key");
    else if (access !== "public") requireScope(request, access);
    if (request.caller !== null && delivers !== undefined)
      requireFormat(request.caller.audience.entitlement, delivers);
  });
  app.addHook("preParsing", (request, reply, _payload, done) => {
    refuse(request, reply, done);
  });
}

/**
 * Refuses a caller without the scope, or without any of several that will do.
 *
 * @throws 401 without a key, 403 when the key lacks the scope
 */
export function requireScope(request: FastifyRequest, scope: Scope | readonly Scope[]): void {
  const enough = [scope].flat();
  const named = enough.join(" or ");
  const caller = requireKey(request, `a key with the scope ${named}`);
  if (!enough.some((one) => caller.scopes.has(one))) {
    throw problem(
      "scope-missing",
      `This needs the scope ${named}; the key "${caller.name}" has ${[...caller.scopes].join(", ") || "none"}.`,
      {
        headers: {
          "www-authenticate": `Bearer realm="dateline", error="insufficient_scope", scope="${enough[0]}"`,
        },
      },
    );
  }
}

/** @throws 401 without a key */
export function requireKey(request: FastifyRequest, what: string): Caller {
  if (request.caller !== null) return request.caller;
  throw problem("key-required", `This needs ${what}. Send Authorization: Bearer KEY.`, {
    headers: { "www-authenticate": 'Bearer realm="dateline"' },
  });
}
