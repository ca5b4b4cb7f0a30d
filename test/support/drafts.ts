import type { Response } from "supertest";
import { expect } from "vitest";
import type { Article } from "../../src/articles/schema.ts";
import type { Agent } from "./newsroom.ts";

/** A working copy as an editor holds it: where it is, what it says and the tag to change it with. */
export interface Draft {
  id: string;
  address: string;
  etag: string;
  article: Article;
}

/** Makes an article; what is not said is made up. */
export async function makeDraft(editor: Agent, content: object = {}): Promise<Draft> {
  return draftOf(await editor.post("/v1/articles").send({ headline: "Harbour reopens", ...content }), 201);
}

/** Reads the working copy anew. */
export async function readDraft(editor: Agent, { address }: { address: string }): Promise<Draft> {
  return draftOf(await editor.get(`${address}?version=draft`), 200);
}

/** Patches a draft with the tag it holds. */
export async function patchDraft(editor: Agent, draft: Draft, change: object): Promise<Draft> {
  return draftOf(await editor.patch(draft.address).set("If-Match", draft.etag).send(change), 200);
}

/** Publishes an article as its working copy stands. */
export async function publishDraft(editor: Agent, draft: Draft): Promise<Draft> {
  return draftOf(await editor.post(`${draft.address}/publish`), 200);
}

/** What an answer that holds an article gives to go on with. */
export function draftOf(answer: Response, status: number): Draft {
  expect(answer.status, answer.text).toBe(status);
  const article = answer.body as Article;
  return { id: article.id, address: `/v1/articles/${article.id}`, etag: answer.headers.etag ?? "", article };
}

/** Holds an answer to be a problem of this status that points to these places. */
export function expectRefused(answer: Response, status: number, ...pointers: string[]): void {
  expect(answer.status, answer.text).toBe(status);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  const { errors = [] } = answer.body as { errors?: { pointer: string }[] };
  expect(errors.map(({ pointer }) => pointer)).toEqual(pointers);
}

/** An id that nothing has. */
export const unknownId = "0199b2a0-5f5a-7c11-9d0e-000000000000";

/** The statuses of answers to requests that raced, the lowest first. */
export function statusesOf(answers: readonly Response[]): number[] {
  return answers.map(({ status }) => status).toSorted((one, other) => one - other);
}

/** A list of so many of the same. */
export function times<Item>(count: number, item: Item): Item[] {
  return Array.from({ length: count }, () => item);
}
