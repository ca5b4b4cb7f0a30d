import type { FastifyRequest } from "fastify";
import { absoluteAddress } from "../http/origin.ts";
import type { Newsroom } from "../newsroom.ts";

/** Where this API is reached: as the setting DATELINE_URL has it, or as the caller reached it. */
export function originOf({ config }: Newsroom, request: FastifyRequest): string {
  const { DATELINE_URL: own } = config;
  return own ?? new URL(absoluteAddress(request, "/"), "http://localhost").origin;
}

/** The site that articles are read on. */
export function homeOf({ articleAddress }: Newsroom, origin: string): string {
  return new URL("/", new URL(articleAddress("home"), origin)).href;
}
