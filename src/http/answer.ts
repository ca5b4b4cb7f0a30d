import type { FastifyReply, FastifyRequest } from "fastify";
import { quick, sendBytes, sendable } from "./bytes.ts";
import { type Revised, entityTag, isNotModified } from "./conditional.ts";

/** What an operation answers, before it is made into bytes. */
export interface Answer {
  status?: 200 | 201 | 204;
  body?: unknown;
  /** What the answer is a revision of, for its ETag: the working copy, a comment, a webhook. */
  revision?: Revised;
  headers?: Record<string, string>;
}

/** An answer as bytes, which can be sent, or kept and sent again. */
export interface RenderedAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/** Makes an answer's bytes with the serialiser of the route, and their entity tag. */
export function render(reply: FastifyReply, found: Answer): RenderedAnswer {
  const status = found.status ?? 200;
  const headers = found.headers ?? {};
  if (found.body === undefined) return { status, headers, body: "" };
  reply.code(status);
  // An answer that comes in several forms has a serialiser for each.
  const serialise: ((body: never) => unknown) | undefined = reply.getSerializationFunction(
    String(status),
    "application/json",
  );
  const body = (serialise ?? ((whole: unknown) => reply.serialize(whole)))(found.body as never) as string;
  return {
    status,
    headers: { "content-type": JSON_TYPE, etag: entityTag(body, found.revision), ...headers },
    body,
  };
}

/**
 * Sends a rendered answer. A GET or HEAD whose If-None-Match names the entity tag gets a 304 with
 * the same headers (RFC 9110, section 15.4.5).
 */
export function send(request: FastifyRequest, reply: FastifyReply, rendered: RenderedAnswer): FastifyReply {
  reply.headers({ "cache-control": "private, no-store", ...rendered.headers }).code(rendered.status);
  const tag = rendered.headers.etag;
  const isRead = request.method === "GET" || request.method === "HEAD";
  if (isRead && tag !== undefined && isNotModified(request, tag)) {
    return reply.code(304).removeHeader("content-type").send();
  }
  return reply.serializer(asIs).send(rendered.body);
}

/** Renders and sends what a read found. */
export function answer(request: FastifyRequest, reply: FastifyReply, found: Answer): FastifyReply {
  return send(request, reply, render(reply, found));
}

/** Sends JSON that is a text already, in a coding that the caller takes. */
export function sendJson(
  request: FastifyRequest,
  reply: FastifyReply,
  json: string,
  headers: Record<string, string>,
): Promise<FastifyReply> {
  return sendBytes(request, reply, sendable(json, quick), {
    "cache-control": "private, no-store",
    ...headers,
  });
}

const JSON_TYPE = "application/json; charset=utf-8";
const asIs = (payload: unknown) => payload as string;
