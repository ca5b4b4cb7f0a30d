import type { Article, ArticleSummary } from "../articles/schema.ts";
import type { Surroundings } from "../pages/article.ts";
import type { z } from "zod";

/** What a format is rendered with, beside the article. */
export interface Context extends Surroundings {
  /** Makes an address full, as the caller reached this server. */
  inFull: (address: string) => string;
}

/** A published article without its body, as lists have it. */
export type Summary = Omit<Article, "body"> & Pick<z.output<typeof ArticleSummary>, "highlight">;

/** A page of a list, its articles in order. */
export interface Listed {
  articles: { article: Summary; context: Context }[];
  /** The address of the page, in full. */
  address: string;
  /** How many there are on all pages, when it was asked. */
  total: number | undefined;
}

/**
 * An address as RFC 3986 has it: what browsers take beyond that is written in percent encoding.
 *
 * @returns undefined when it is no absolute address
 */
export function uriOf(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, host, username, password, pathname, search, hash } = new URL(address);
  const user = username === "" ? "" : `${username}${password === "" ? "" : `:${password}`}@`;
  const fragment = hash === "" ? "" : `#${encoded(hash.slice(1))}`;
  return `${protocol}//${user}${host}${encoded(pathname)}${encoded(search)}${fragment}`;
}

function encoded(part: string): string {
  return part
    .toWellFormed()
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25")
    .replaceAll(/[^\w.~:/?@!$&'()*+,;=%-]/gu, (character) => encodeURIComponent(character));
}
