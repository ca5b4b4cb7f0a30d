import type { Contract } from "./contract.ts";
import type { Exchange } from "./send.ts";

/** How many of a kind are kept; the newest push out the oldest. */
const KEPT = 80;

/**
 * What answers have told: the addresses of what there is, where lists go on, entity tags, and the
 * values of properties by their names. Valid requests are made of it, so that they reach deep code.
 */
export interface Pool {
  /** Learns from an answer, and from its request that it found something. */
  learn: (exchange: Exchange) => void;
  /**
   * Something that is known by a name: a value that a property of this name had, the slugs of a list
   * (`/v1/tags slug`), what a path with parameters ends with (`/v1/articles/{article}`) or the whole
   * of it (`… address`), where a list goes on (`listArticles continuation`), or a line of an export.
   *
   * @param nth any number; the same one leads to the same thing while nothing is learnt
   */
  take: (name: string, nth: number) => string | undefined;
  /** The entity tag of the nearest thing above this path. */
  tag: (path: string) => string | undefined;
  /** The number of the last change of the article at this path that was told. */
  sequence: (path: string) => number | undefined;
}

/** By which property of an item its address ends, the first that it has. */
const NAMES_OF_ITEMS = ["id", "number", "network", "slug", "name"] as const;
/** Lists that stand inside of something, and where their items have their addresses. */
const NESTED: Record<string, string> = {
  keyPoints: "key-points",
  relatedLinks: "related-links",
};

type Json = Record<string, unknown>;

/**
 * A pool that knows nothing yet.
 *
 * @param isSpared what must never be learnt: what the run itself rests on, and what is planted
 */
export function emptyPool({ operations, operationAt }: Contract, isSpared: (text: string) => boolean): Pool {
  const known = new Map<string, Set<string>>();
  const tags = new Map<string, string>();
  const sequences = new Map<string, number>();
  const templates = new Set(operations.map(({ path }) => path));
  const prefixes = new Map([...templates].map((template) => [template, prefixesOf(template)]));

  function keep(name: string, value: string): void {
    const values = known.get(name) ?? new Set();
    known.set(name, values);
    values.delete(value);
    values.add(value);
    const [oldest = value] = values;
    if (values.size > KEPT) values.delete(oldest);
  }

  /** Keeps an address, and those of what it lies in. */
  function keepAddress(path: string): void {
    if (path.length > 500 || isSpared(path) || /[^\x21-\x7e]/.test(path)) return;
    const operation = operationAt("GET", path);
    if (operation?.path.includes("{") !== true) return;
    const steps = path.split("/");
    for (const prefix of prefixes.get(operation.path) ?? [])
      keep(`${prefix} address`, steps.slice(0, prefix.split("/").length).join("/"));
  }

  function keepTag(path: string, tag: string): void {
    tags.delete(path);
    tags.set(path, tag);
    const [oldest = path] = tags.keys();
    if (tags.size > 20 * KEPT) tags.delete(oldest);
  }

  function learnItems(path: string, list: unknown): void {
    if (!Array.isArray(list)) return;
    for (const item of list.slice(0, 10)) {
      if (typeof item !== "object" || item === null) continue;
      const name = NAMES_OF_ITEMS.find((one) => one in item);
      if (name !== undefined) keepAddress(`${path}/${String((item as Json)[name])}`);
      learnState(path, item as Json);
      learnChange(item as Json);

      const { slug } = item as Json;
      if (typeof slug === "string" && !isSpared(slug)) keep(`${path} slug`, slug);
    }
  }

  /** Others want one of whose change they know. */
  function learnChange({ sequence, articleId }: Json): void {
    const address = `/v1/articles/${String(articleId)}`;
    if (typeof sequence !== "number" || isSpared(address)) return;
    sequences.set(address, sequence);
    keep("changed address", address);
  }

  /** Some operations want an article in a state of its own. */
  function learnState(path: string, { id, status }: Json): void {
    const address = `/v1/articles/${String(id)}`;
    if (path.startsWith("/v1/articles") && typeof status === "string" && !isSpared(address))
      keep(`${status} address`, address);
  }

  function learnValues(name: string, value: unknown, depth = 0): void {
    if (typeof value === "string") {
      if (value.length > 1000 || value === "" || isSpared(value)) return;
      keep(name, value);
      if (value.startsWith("/")) keepAddress(value);
      else if (/^https?:\/\/127\.0\.0\.1:\d+\//.test(value)) keepAddress(new URL(value).pathname);
    } else if (typeof value === "object" && value !== null && depth < 5) {
      const isList = Array.isArray(value);
      for (const [key, child] of Object.entries(value).slice(0, 40))
        learnValues(isList ? name : key, child, depth + 1);
    }
  }

  function learn({ request, operation, answer }: Exchange): void {
    const [path = "", query] = request.target.split("?");
    if (operation === undefined || request.method === "HEAD" || answer.status >= 400) return;
    if (operation.method === "GET" && answer.status === 200) keepAddress(path);
    const { etag, location, link } = answer.headers;
    // A reader's tag guards no write.
    if (typeof etag === "string" && (operation.method !== "GET" || query?.includes("version=draft")))
      keepTag(path, etag);
    if (typeof location === "string") {
      keepAddress(location);
      if (typeof etag === "string") keepTag(location, etag);
    }
    const next = /^<([^>]+)>; rel="next"/.exec(String(link ?? ""))?.[1];
    if (next !== undefined && !isSpared(next)) keep(`${operation.id} continuation`, next);
    const type = answer.headers["content-type"] ?? "";
    if (type.startsWith("text/html"))
      for (const [, address = ""] of answer.text.matchAll(/href="([^"]+)"/g)) learnValues("href", address);
    if (/ndjson/.test(type))
      for (const line of answer.text.split("\n").slice(1, 60))
        if (line.length < 10_000 && !line.startsWith('{"kind":"end"') && !isSpared(line))
          keep("line of an export", line);
    if (!type.startsWith("application/json") || answer.text === "" || answer.text.length > 300_000) return;
    const body = JSON.parse(answer.text) as unknown;
    if (typeof body !== "object" || body === null) return;
    learnItems(path, (body as Json).data);
    const { page } = body as { page?: { next?: unknown } };
    if (typeof page?.next === "string") keep(`${operation.id} next`, page.next);
    learnState(path, body as Json);
    for (const [list, segment] of Object.entries(NESTED))
      learnItems(`/v1/articles/${String((body as Json).id)}/${segment}`, (body as Json)[list]);
    learnValues("", body);
  }

  return {
    learn,
    take(name, nth) {
      const isAddress = name.startsWith("/") && name.endsWith("}");
      const values = [...(known.get(isAddress ? `${name} address` : name) ?? [])];
      const found = values[nth % values.length];
      return isAddress ? found?.split("/").at(-1) : found;
    },
    tag(path) {
      const steps = path.split("/");
      for (let length = steps.length; length > 2; length -= 1) {
        const found = tags.get(steps.slice(0, length).join("/"));
        if (found !== undefined) return found;
      }
      return undefined;
    },
    sequence: (path) => sequences.get(path),
  };
}

/** A path's beginnings that end with a parameter. */
function prefixesOf(template: string): string[] {
  const steps = template.split("/");
  return steps.flatMap((step, index) => (step.startsWith("{") ? [steps.slice(0, index + 1).join("/")] : []));
}
