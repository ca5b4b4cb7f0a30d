import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { atOnce } from "./hooks.ts";
import { invalidParameter, problem } from "./problems.ts";
import { isSecretName, namesKey, parametersOf } from "./secrets.ts";

/** How long an address may be, in bytes: more than RFC 9110 (section 4.1) asks of servers to take. */
const ADDRESS = 15_360;
/** How many header fields and how many query parameters a request may have. */
export const FIELDS = 100;
const PARAMETERS = 100;
/** How deep JSON may be nested: several times as deep as the deepest body that any operation takes. */
const DEPTH = 64;

/** Refuses requests that are larger than any honest one before anything is made of them, and keys in addresses. */
export function limitRequests(app: FastifyInstance): void {
  app.addHook(
    "onRequest",
    atOnce((request) => {
      const names = parametersOf(request.url).map(({ name }) => name);
      refuseSize(request, names.length);
      refuseSecret(request, names);
    }),
  );
}

function refuseSize({ url, raw }: FastifyRequest, parameters: number): void {
  if (Buffer.byteLength(url) > ADDRESS)
    throw problem("address-too-long", `The address is longer than ${ADDRESS} bytes.`);
  if (raw.rawHeaders.length / 2 > FIELDS)
    throw problem("headers-too-large", `The request has more than ${FIELDS} header fields.`);
  if (parameters > PARAMETERS)
    throw invalidParameter([
      { pointer: "query", detail: `has more than the ${PARAMETERS} parameters that a request may have` },
    ]);
}

/** A key in an address is in histories, logs and referrers already; one that worked would stay unnoticed. */
function refuseSecret(request: FastifyRequest, names: readonly string[]): void {
  const { url } = request;
  const hasUserinfo = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*@/i.test(url);
  const isSecret = (name: string) => isSecretName(name) && !takes(request, name);
  if (!hasUserinfo && !namesKey(url) && !names.some(isSecret)) return;
  throw problem(
    "key-in-address",
    "A key stands in the address, which logs and histories keep. Send Authorization: Bearer KEY, and revoke the one that was sent.",
  );
}

/** Whether an operation has a parameter with this name itself. */
function takes({ routeOptions }: FastifyRequest, name: string): boolean {
  const querystring = routeOptions.schema?.querystring;
  return querystring instanceof z.ZodObject && Object.hasOwn(querystring.shape, name);
}

/**
 * Reads JSON, unless it is nested so deep that what walks through it would run out of stack or memory.
 *
 * @throws when it is no JSON, or too deep
 */
export function parseJson(text: string): unknown {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isQuoted) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) isQuoted = false;
    } else if (code === QUOTE) isQuoted = true;
    else if (code === BRACKET || code === BRACE) {
      depth += 1;
      if (depth > DEPTH)
        throw problem("malformed-request", `The body's JSON is nested deeper than ${DEPTH} levels.`);
    } else if (code === BRACKET + 2 || code === BRACE + 2) depth -= 1;
  }
  return JSON.parse(text);
}

/** The closing ones stand two further on. */
const [QUOTE, BACKSLASH, BRACKET, BRACE] = [0x22, 0x5c, 0x5b, 0x7b];
