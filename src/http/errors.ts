import { STATUS_CODES } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import { databaseCode, isDatabaseAway } from "../database/errors.ts";
import { Problem, type ProblemDetails, problem, problemTitle, problemTypes } from "./problems.ts";

/** Makes every error of the application a problem, and hides what is nobody else's business. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const found = asProblem(error, request);
    if (problemTypes[found.type].status >= 500) request.log.error({ err: error }, "request failed");
    return sendProblem(request, reply, found);
  });
}

/** Sends a problem as RFC 9457's JSON, never to be stored unless its headers say otherwise. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, found: Problem): FastifyReply {
  const { url, id, caller } = request;
  const { status, headers, body } = problemAnswer(found, { url, id });
  const caching = caller ? { "cache-control": "private, no-store" } : {};
  return reply
    .code(status)
    .headers({ ...headers, ...caching, "x-request-id": id })
    .serializer(String)
    .send(body);
}

/** What is answered to whoever sent no key, in any way. */
export function problemAnswer(found: Problem, { url = "", id }: { url?: string | undefined; id: string }) {
  const { status } = problemTypes[found.type];
  const body: z.output<typeof ProblemDetails> = {
    type: `/problems/${found.type}`,
    title: problemTitle(found.type),
    status,
    detail: found.message,
    instance: url.split("?", 1)[0] ?? url,
    requestId: id,
    ...(found.errors === undefined ? {} : { errors: found.errors }),
    ...found.members,
  };
  return {
    status,
    headers: { "cache-control": "no-store", ...found.headers, "content-type": "application/problem+json" },
    body: JSON.stringify(body),
  };
}

/**
 * Whatever was thrown, as the problem that is told of it.
 *
 * @param request as the framework has it, if it was the framework that threw
 */
export function asProblem(error: unknown, request?: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const known = typeof code === "string" && request !== undefined ? fastifyProblem(code, request) : undefined;
  if (known !== undefined) return known;
  // 57014 is a statement that was ended for taking longer than any may.
  if (databaseCode(error) === "57014") {
    return problem(
      "unavailable",
      "The database took too long over this and was stopped. Nothing was changed; try again, or ask for less at once.",
      { headers: { "retry-after": "1" } },
    );
  }
  if (isDatabaseAway(error)) {
    return problem(
      "unavailable",
      "The database cannot be reached or has no room. Try again; with an Idempotency-Key nothing is done twice.",
      { headers: { "retry-after": "1" } },
    );
  }
  // 23505 is a unique violation: two requests raced for the same id, slug or name.
  if (databaseCode(error) === "23505") {
    return problem(
      "conflict",
      "Another request has just taken an id, slug or name that this one names. Fetch and try again.",
    );
  }
  // 23503 is a foreign key violation: what was there when it was looked up is there no more.
  if (databaseCode(error) === "23503") {
    return problem("conflict", "Another request has just deleted what this one names. Fetch and try again.");
  }
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  if (typeof status === "number" && status >= 400 && status < 500) {
    return problem("malformed-request", `The request cannot be read (${STATUS_CODES[status] ?? status}).`);
  }
  return problem(
    "internal-error",
    "Dateline failed while answering. The log has the cause under this requestId.",
  );
}

function fastifyProblem(code: string, request: FastifyRequest): Problem | undefined {
  const limit = request.routeOptions.bodyLimit;
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return problem(
        "content-too-large",
        `The body is larger than the ${limit} bytes that this operation takes.`,
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return problem(
        "unsupported-media-type",
        `Content-Type is ${request.headers["content-type"] ?? "missing"}; this operation takes ${consumed(request).join(" or ")}.`,
      );
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return problem("malformed-request", "The body is not well-formed JSON.");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return problem("malformed-request", "Content-Length does not match the body.");
    default:
      return undefined;
  }
}

/** The media types that the matched route reads. */
export function consumed(request: FastifyRequest): string[] {
  return request.routeOptions.config.consumes ?? ["application/json"];
}
