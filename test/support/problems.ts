import { expect } from "vitest";

/** What a check of a problem looks at; supertest's answers have it. */
interface Answered {
  status: number;
  headers: Record<string, string>;
  text: string;
  body: unknown;
}

interface ShownProblem {
  type: string;
  detail: string;
  errors?: { pointer: string; detail: string }[];
}

/** Expects a whole RFC 9457 problem of this status and type, which tells nothing of the inside. */
export function expectProblem(answer: Answered, status: number, type: string): ShownProblem {
  expect({ status: answer.status, text: answer.text }).toEqual({ status, text: expect.any(String) });
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.body).toMatchObject({
    type: `/problems/${type}`,
    status,
    title: expect.stringMatching(/^[A-Z]/),
    detail: expect.stringMatching(/\.$/),
    instance: expect.stringMatching(/^\//),
    requestId: answer.headers["x-request-id"],
  });
  expect(answer.text).not.toMatch(
    /node_modules|\.ts:\d|at \w+ \(|SELECT |INSERT |prisma|postgres|FST_ERR|ECONN/i,
  );
  expect(answer.headers["cache-control"]).toBeDefined();
  return answer.body as ShownProblem;
}
