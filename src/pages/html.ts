import type { html } from "hono/html";

/** A piece of a page: what is put into the template tag `html` is escaped, but for other such pieces. */
export type Html = ReturnType<typeof html>;

const linkable = new Set(["http:", "https:", "mailto:"]);

/**
 * The address for a link, if it is one that a reader may be led to: http, https, mailto, or one
 * relative to the page. Whatever else an address could do (javascript, data) is no link.
 */
export function linkAddress(address: string | null): string | undefined {
  if (address === null || !URL.canParse(address, "https://dateline.invalid")) return undefined;
  return linkable.has(new URL(address, "https://dateline.invalid").protocol) ? address : undefined;
}

/** Which way a language is written (ECMA-402's data from Unicode's CLDR). */
export function directionOf(language: string): "ltr" | "rtl" {
  return new Intl.Locale(language).getTextInfo().direction === "rtl" ? "rtl" : "ltr";
}
