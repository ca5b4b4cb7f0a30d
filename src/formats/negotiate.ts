import type { FastifyRequest } from "fastify";
import { preferredType } from "../http/content.ts";
import { invalidParameter } from "../http/problems.ts";
import { type Format, formats } from "./formats.ts";

interface Asked {
  format?: string | undefined;
  version: string;
  fields?: readonly string[] | undefined;
}

/**
 * The form that a request asks for: what `format` names, or what Accept likes best.
 *
 * @param offered the media types of the operation
 * @returns undefined for our own JSON
 * @throws 400 when it is another and goes with something that only JSON can be
 */
export function formatOf(
  { headers }: Pick<FastifyRequest, "headers">,
  { format: name, version, fields }: Asked,
  offered: readonly string[],
): Format | undefined {
  const type = name === undefined ? preferredType(headers.accept, offered) : undefined;
  const found = formats.find((format) => format.name === name || format.mediaType === type);
  if (found === undefined) return undefined;
  const detail = `goes with JSON alone, and ${found.name} was asked for; send format=json`;
  if (fields !== undefined) throw invalidParameter([{ pointer: "fields", detail }]);
  if (version === "draft") throw invalidParameter([{ pointer: "version", detail: `draft ${detail}` }]);
  return found;
}
