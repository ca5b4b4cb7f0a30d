import type { FastifyRequest } from "fastify";

/**
 * An address in full, as the caller reached this server: a path gets the scheme and host of the
 * request (those that a trusted proxy names), an absolute address stays. A request without a host
 * that could be one leaves the path as it is.
 */
export function absoluteAddress(request: Pick<FastifyRequest, "protocol" | "host">, address: string): string {
  const origin = `${request.protocol}://${request.host}`;
  return URL.canParse(address, origin) ? new URL(address, origin).href : address;
}
