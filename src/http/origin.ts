import type { FastifyRequest } from "fastify";
import type { Newsroom } from "../newsroom.ts";

/**
 * An address in full: a path gets where this API is reached, as the setting DATELINE_URL has it, or else the scheme and
 * host of the request (those that a trusted proxy names); an absolute address stays. Where neither has a host that
 * could be one the path is left as it is.
 */
export function absoluteAddress(
  { config }: Pick<Newsroom, "config">,
  request: Pick<FastifyRequest, "protocol" | "host">,
  address: string,
): string {
  const origin = config.DATELINE_URL ?? `${request.protocol}://${request.host}`;
  return URL.canParse(address, origin) ? new URL(address, origin).href : address;
}

/** Where this API is reached. */
export function originOf(newsroom: Pick<Newsroom, "config">, request: FastifyRequest): string {
  return new URL(absoluteAddress(newsroom, request, "/"), "http://localhost").origin;
}
