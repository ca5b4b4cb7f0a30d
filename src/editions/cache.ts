import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { LRUCache } from "lru-cache";
import { entityTag } from "../http/conditional.ts";
import type { Problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";

/** A live article as it was read from the database. */
export interface LiveArticle {
  articleId: string;
  slug: string;
  /** The public JSON, share counts included. */
  json: string;
  /** What caches purge it by: its id, and the ids of its section, tags and authors. */
  groups: string[];
}

/** A live article as it is sent: its bytes, in each coding that was asked for, with their entity tags. */
export interface CachedArticle extends LiveArticle {
  identity: Coded;
  coded: Partial<Record<Coding, Promise<Coded>>>;
  /** Since when shares may have been counted that the bytes lack; undefined when they lack none. */
  dirty: boolean;
  /** How often it was loaded again for its shares, in the present window. */
  window: number;
  reloads: number;
}

export type Coding = "br" | "gzip";

export interface Coded {
  bytes: Buffer;
  etag: string;
}

export type Found = CachedArticle | { movedTo: string };

/** What the cache did, counted since the process began. */
export interface CacheFigures {
  hits: number;
  misses: number;
  evictions: number;
  entries: number;
  bytes: number;
}

/** How long it is remembered that there is nothing, in milliseconds. */
const MISS_TTL = 1_000;
const MISSES = 10_000;
/** Under a storm of shares an article is loaded again at most so often in a window of milliseconds. */
const WINDOW = 200;
const RELOADS = 5;
/** What an entry takes beside its bytes, about. */
const OVERHEAD = 1_000;

/**
 * Keeps live articles as the bytes that are sent, bounded in bytes, the least recently used given
 * up first. It is trusted only while `trust` was called last rather than `distrust`: when it
 * cannot be told of changes, everything is read from the database.
 *
 * @param load reads an article from the database by its id
 * @param resolve reads which article a slug stands for, or has moved to
 */
export function editionCache(
  maxBytes: number,
  load: (id: string) => Promise<LiveArticle>,
  resolve: (slug: string) => Promise<{ articleId: string; slug: string }>,
) {
  let trusted = false;
  /** Counts what was told; a load that began before the last word is not kept. */
  let generation = 0;
  const figures = { hits: 0, misses: 0, evictions: 0 };
  const entries = new LRUCache<string, CachedArticle>({
    maxSize: maxBytes,
    sizeCalculation: (entry) => OVERHEAD + 2 * entry.json.length + entry.identity.bytes.length,
    dispose: (_entry, _id, reason) => {
      if (reason === "evict") figures.evictions += 1;
    },
  });
  const slugs = new LRUCache<string, { articleId: string; slug: string }>({ max: 100_000 });
  const missing = new LRUCache<string, Error>({ max: MISSES, ttl: MISS_TTL });
  const loading = new Map<string, Promise<CachedArticle>>();

  const shared = (id: string): Promise<CachedArticle> => {
    const known = loading.get(id);
    if (known !== undefined) return known;
    figures.misses += 1;
    const began = generation;
    const promise = load(id)
      .then((article) => {
        const entry = prepared(article, entries.peek(id));
        if (trusted && generation === began) entries.set(id, entry);
        return entry;
      })
      .finally(() => {
        if (loading.get(id) === promise) loading.delete(id);
      });
    loading.set(id, promise);
    return promise;
  };

  const remember = async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const known = missing.get(key);
    if (known !== undefined) throw known;
    const began = generation;
    try {
      return await work();
    } catch (error) {
      const isProblem = error instanceof Error && "type" in error && ["gone", "not-found"].includes((error as Problem).type);
      if (trusted && isProblem && generation === began) missing.set(key, error);
      throw error;
    }
  };

  const byId = (id: string): CachedArticle | Promise<CachedArticle> => {
    const entry = entries.get(id);
    if (entry === undefined) return remember(id, () => shared(id));
    if (entry.dirty && mayReload(entry)) return shared(id);
    figures.hits += 1;
    return entry;
  };

  return {
    /** @throws 404 or 410, as `load` and `resolve` do */
    find(reference: string): Found | Promise<Found> {
      if (isId(reference)) return byId(reference.toLowerCase());
      const known = slugs.get(reference);
      if (known !== undefined) return known.slug === reference ? byId(known.articleId) : { movedTo: known.slug };
      return remember(reference, async () => {
        const began = generation;
        const found = await resolve(reference);
        if (trusted && generation === began) slugs.set(reference, found);
        return found.slug === reference ? byId(found.articleId) : { movedTo: found.slug };
      });
    },
    /** What readers get of an article has changed. */
    drop(articleId: string): void {
      generation += 1;
      entries.delete(articleId);
      loading.clear();
      slugs.clear();
      missing.clear();
    },
    /** Shares of an article were counted. */
    touch(articleId: string): void {
      const entry = entries.peek(articleId);
      if (entry !== undefined) entry.dirty = true;
      // A load that is under way may have read the counts before; it is used but not kept.
      if (loading.has(articleId)) generation += 1;
    },
    trust(): void {
      generation += 1;
      trusted = true;
    },
    distrust(): void {
      trusted = false;
      generation += 1;
      entries.clear();
      slugs.clear();
      missing.clear();
      loading.clear();
    },
    figures(): CacheFigures {
      return { ...figures, entries: entries.size, bytes: entries.calculatedSize };
    },
  };
}

export type EditionCache = ReturnType<typeof editionCache>;

function mayReload(entry: CachedArticle): boolean {
  const now = Math.floor(Date.now() / WINDOW);
  if (entry.window !== now) {
    entry.window = now;
    entry.reloads = 0;
  }
  entry.reloads += 1;
  return entry.reloads <= RELOADS;
}

function prepared(article: LiveArticle, before: CachedArticle | undefined): CachedArticle {
  const bytes = Buffer.from(article.json);
  return {
    ...article,
    identity: { bytes, etag: entityTag(bytes) },
    coded: {},
    dirty: false,
    window: before?.window ?? 0,
    reloads: before?.reloads ?? 0,
  };
}

const compressors: Record<Coding, (bytes: Buffer) => Promise<Buffer>> = {
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
};

/** The bytes in a coding, made at the first request for it. A coding has an entity tag of its own (RFC 9110, 8.8.3). */
export function codedAs(entry: CachedArticle, coding: Coding): Promise<Coded> {
  entry.coded[coding] ??= compressors[coding](entry.identity.bytes).then((bytes) => ({
    bytes,
    etag: entry.identity.etag.replace(/"$/, `-${coding}"`),
  }));
  return entry.coded[coding];
}
