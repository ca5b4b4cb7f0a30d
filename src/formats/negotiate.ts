import type { FastifyRequest } from "fastify";
import { audienceOf } from "../access/audience.ts";
import { type Entitlement, grants, requireFormat } from "../access/entitlements/entitlement.ts";
import { preferredType } from "../http/content.ts";
import { invalidParameter } from "../http/problems.ts";
import { type Format, type FormatName, formats } from "./formats.ts";

interface Asked {
  format?: "json" | FormatName | undefined;
  version: string;
  fields?: readonly string[] | undefined;
  asOf?: string | undefined;
}

/**
 * The form that a request asks for: what `format` names, or what Accept likes best of what the key is
 * entitled to. What only JSON can be comes as JSON, whatever Accept likes.
 *
 * @param offered the media types of the operation
 * @returns undefined for our own JSON
 * @throws 400 when `format` names another and goes with something that only JSON can be, 406 when the key
 *   is not entitled to the form
 */
export function formatOf(
  request: Pick<FastifyRequest, "headers" | "caller">,
  { format: name, version, fields, asOf }: Asked,
  offered: readonly string[],
): Format | undefined {
  const onlyJson = [
    ...(fields === undefined ? [] : ["fields"]),
    ...(version === "draft" ? ["version"] : []),
    ...(asOf === undefined ? [] : ["asOf"]),
  ];
  // What is no edition is no matter of an entitlement.
  if (name === undefined && version === "draft") return undefined;
  const { entitlement } = audienceOf(request);
  const wanted = name ?? (onlyJson.length > 0 ? "json" : likedBest(request, entitlement, offered));
  requireFormat(entitlement, wanted);
  const found = formats.find((format) => format.name === wanted);
  if (found === undefined || onlyJson.length === 0) return found;
  const detail = `goes with JSON alone, and ${found.name} was asked for; send format=json`;
  throw invalidParameter(onlyJson.map((pointer) => ({ pointer, detail })));
}

/** Where nothing that a request likes is granted, what it likes best, to be refused by its name. */
function likedBest(
  { headers: { accept } }: Pick<FastifyRequest, "headers">,
  entitlement: Entitlement | null,
  offered: readonly string[],
): "json" | FormatName {
  const isLimited = entitlement !== null && entitlement.formats.length > 0;
  const granted = isLimited ? offered.filter((type) => grants(entitlement, nameOf(type))) : offered;
  return nameOf(preferredType(accept, granted) ?? preferredType(accept, offered));
}

function nameOf(type: string | undefined): "json" | FormatName {
  return formats.find(({ mediaType }) => mediaType === type)?.name ?? "json";
}
