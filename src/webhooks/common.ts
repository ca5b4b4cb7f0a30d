import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { requireKey } from "../access/authenticate.ts";
import type { Outcome } from "./send.ts";
import type { Whose } from "./store.ts";

// What all routes of webhooks have in common.

export const tags = ["Webhooks"];
export const access = ["webhooks:own", "webhooks:manage"] as const;
export const idOf = (what: string) =>
  z.string().meta({
    description: `The ${what}'s id.`,
    examples: ["0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e"],
  });
export const params = z.object({ webhook: idOf("webhook") });

/** Whose webhooks a request is about: its own key's, or with `webhooks:manage` everybody's. */
export function whoseFor(request: FastifyRequest): Whose {
  const { id, scopes } = requireKey(request, "a key");
  return scopes.has("webhooks:manage") ? {} : { keyId: id };
}

/** An attempt as it is answered. */
export function presentAttempt(attempt: Omit<Outcome, "retryAfter"> & { url: string }, messageId: string) {
  const { at, url, duration, status, body, error } = attempt;
  const timestamp = Math.floor(at.getTime() / 1000);
  return { at: at.toISOString(), request: { url, id: messageId, timestamp }, duration, status, body, error };
}
