import type { EventEmitter } from "node:events";
import type TestAgent from "supertest/lib/agent.js";
import { afterEach, expect } from "vitest";
import { type Contract, readContract } from "../../fuzz/contract.ts";

let contract: Contract | undefined;
const violations: string[] = [];

/** Takes in the OpenAPI document that answers are held against. */
export function learnContract(openapi: object): void {
  contract = readContract(openapi);
}

/** Holds every answer that an agent gets against the document. */
export function checkAnswers(agent: TestAgent): TestAgent {
  return agent.use((request: EventEmitter) => {
    request.on("response", (response: { status: number; text?: string; headers: Record<string, string> }) => {
      const { method, url } = request as unknown as { method: string; url: string };
      const fault = contract?.faultOf(method, new URL(url).pathname, response);
      if (fault !== undefined) violations.push(`${method} ${url} ${response.status}: ${fault}`);
    });
  });
}

/** Every answer in the whole suite is valid against the document: what is not fails the test that saw it. */
afterEach(() => {
  expect(violations.splice(0), "answers that the OpenAPI document does not allow").toEqual([]);
});
