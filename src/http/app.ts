import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { DeliveryFormat } from "../access/entitlements/schema.ts";
import type { Scope } from "../access/scopes.ts";
import type { ProblemType } from "./problems.ts";

/** The application as features see it: request types come from the zod schemas of the routes. */
export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** RFC 7396's media type, and JSON, which is taken to mean the same for a PATCH. */
export const mergePatch = ["application/merge-patch+json", "application/json"];

declare module "fastify" {
  interface FastifyContextConfig {
    /** Who may call: anyone, whoever has a key, or a key with this scope, or one of these. Absent means anyone. */
    access?: "public" | "key" | Scope | readonly Scope[];
    /** A scope that opens more of a public operation, as `version=draft` does. */
    alsoFor?: Scope;
    /** Whether it is open to keys that are bound to some articles though it names none, and leaves the others out. */
    heedsReach?: boolean;
    /** The only form that it gives articles, or parts of them, away in; one that has several sees to it itself. */
    delivers?: DeliveryFormat;
    /** The problems this operation may answer with, beyond those that follow from its shape. */
    problems?: readonly ProblemType[];
    /** The media types of bodies it reads; JSON when absent. */
    consumes?: string[];
    /** The media types it answers with; JSON when absent. */
    produces?: string[];
    /** Whether If-Match is demanded. */
    precondition?: "required" | "optional";
    /** Whether it is merged with what has changed since, when asked by `Prefer: merge`. */
    merges?: boolean;
    /** False when it does not work on the database while it runs, or shares one statement with others. */
    needsPlace?: false;
    /** Whether the answer is a cacheable, public one. */
    cached?: boolean;
  }
}
