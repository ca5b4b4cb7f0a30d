import type { Config } from "../config.ts";

/** How long browsers are to come by TLS alone once they have, in seconds: a year. */
const A_YEAR = 31_536_000;

/**
 * What browsers are told with every answer that says nothing else, whatever it is: that it is of the type that it says and
 * no other, that nothing in it runs and nobody shows it in a frame, and that it gives no address away.
 * Behind TLS (`DATELINE_URL` is https) also to come by TLS alone (RFC 6797). Other sites' scripts may
 * read answers as far as CORS lets them: a resource policy would add nothing, for no key goes along
 * unless a script sends it.
 */
export function guards({ DATELINE_URL: origin }: Config): Record<string, string> {
  return {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    ...(origin?.startsWith("https:") === true && {
      "strict-transport-security": `max-age=${A_YEAR}`,
    }),
  };
}

/**
 * What a document says in place of that: which of its parts may be loaded, for the browser to refuse
 * whatever else gets into it; and that windows and sites of other origins have no hold of it.
 *
 * @param sources by the directives of Content Security Policy Level 3, beyond what all have
 */
export function documentGuards(sources: Record<string, string>): Record<string, string> {
  const policy = {
    "default-src": "'none'",
    ...sources,
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  };
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": Object.entries(policy)
      .map((directive) => directive.join(" "))
      .join("; "),
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
  };
}
