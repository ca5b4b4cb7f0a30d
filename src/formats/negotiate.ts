import type { FastifyRequest } from "fastify";
import { preferredType } from "../http/content.ts";
import { invalidParameter } from "../http/problems.ts";
import { type Format, formats } from "./formats.ts";

interface Asked {
  format?: string | undefined;
  version: string;
  fields?: readonly string[] | undefined;
  asOf?: string | undefined;
}

/**
 * The form that a request asks for: what `format` names, or what Accept likes best. What only JSON can
 * be comes as JSON, whatever Accept likes.
 *
 * @param offered the media types of the operation
 * @returns undefined for our own JSON
 * @throws 400 when `format` names another and goes with something that only JSON can be
 */
export function formatOf(
  { headers }: Pick<FastifyRequest, "headers">,
  { format: name, version, fields, asOf }: Asked,
  offered: readonly string[],
): Format | undefined {
  const onlyJson = [
    ...(fields === undefined ? [] : ["fields"]),
    ...(version === "draft" ? ["version"] : []),
    ...(asOf === undefined ? [] : ["asOf"]),
  ];
  if (name === undefined && onlyJson.length > 0) return undefined;
  const type = name === undefined ? preferredType(headers.accept, offered) : undefined;
  const found = formats.find((format) => format.name === name || format.mediaType === type);
  if (found === undefined || onlyJson.length === 0) return found;
  const detail = `goes with JSON alone, and ${found.name} was asked for; send format=json`;
  throw invalidParameter(onlyJson.map((pointer) => ({ pointer, detail })));
}
