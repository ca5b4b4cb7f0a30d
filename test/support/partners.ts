import { expect } from "vitest";
import type { Agent, TestNewsroom } from "./newsroom.ts";

/** A partner's key, which may read what is under embargo and set shares as far as its entitlement lets it. */
export interface Partner {
  id: string;
  agent: Agent;
  /** Changes its entitlement by a merge patch; null takes it away. */
  entitle: (entitlement: object | null) => Promise<void>;
}

/** Makes a key with an entitlement. */
export async function partnerOf(newsroom: TestNewsroom, entitlement: object): Promise<Partner> {
  const { editor, withHeaders } = newsroom;
  const made = await editor
    .post("/v1/keys")
    .send({ name: "Coastal News", scopes: ["embargo:read", "shares:write"], entitlement });
  expect(made.status, made.text).toBe(201);
  const { id, secret } = made.body as { id: string; secret: string };
  return {
    id,
    agent: withHeaders({ authorization: `Bearer ${secret}` }),
    async entitle(patch) {
      const answer = await editor.patch(`/v1/keys/${id}`).send({ entitlement: patch });
      expect(answer.status, answer.text).toBe(200);
    },
  };
}

/** Makes sections and tags by their slugs. */
export async function makeTerms(
  { editor }: TestNewsroom,
  terms: { sections?: string[]; tags?: string[] },
): Promise<void> {
  for (const [kind, slugs] of Object.entries(terms))
    for (const slug of slugs) await editor.post(`/v1/${kind}`).send({ name: slug, slug });
}
