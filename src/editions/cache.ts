import { type Sendable, sendable } from "../http/bytes.ts";
import { Problem } from "../http/problems.ts";
import { isId } from "../http/scalars.ts";
import { type Kept, type KeeperFigures, type Word, keeper } from "./keep.ts";
import type { LiveArticle, MovedArticle, ReadArticle, SlugHolder } from "./read.ts";

/** A live article ready to be sent. */
export interface CachedArticle extends LiveArticle, Sendable, Kept {
  /** Whether shares may have been counted that the bytes lack. */
  lacksShares: boolean;
}

/** A page of a list ready to be sent. */
export interface CachedList extends Sendable, Kept {
  groups: string[];
  /** How many articles it gives away. */
  articles: number;
  /** What goes with it, such as RFC 8288's Link to the next page. */
  headers: Record<string, string>;
  /** When it is out of date though nothing is published, in milliseconds since 1970. */
  changesAt?: number;
  /** False where caches in front are not told when it changes. */
  isPurged?: boolean;
}

/** What a reference leads to. */
export type Found = CachedArticle | (MovedArticle & Kept);

/** An article as it was just read. */
export function readyToSend({ json, ...article }: ReadArticle): CachedArticle {
  return { ...article, ...sendable(json), lacksShares: false };
}

/** How long it is remembered that there is nothing, and how long a list is kept, in milliseconds. */
const MISS_TTL = 1_000;
const LIST_TTL = 500;
/** Under a storm of shares an article is loaded again at most so often in a window of milliseconds. */
const WINDOW = 200;
const RELOADS = 5;
/** What an entry takes beside its text, about. */
const OVERHEAD = 1_000;

const sizeOf = ({ identity }: Sendable) => OVERHEAD + 3 * identity.content.length;

/**
 * Keeps what readers get as the bytes that are sent. It is trusted only while the process is told
 * of every change: before `trust`, and after `distrust`, all is read from the database. While that is
 * away too, what was kept is given as it was last known to be.
 *
 * @param staleFor for how long it is, in milliseconds
 * @param load reads a live article by its id
 * @param resolve reads whom a slug belongs to
 */
export function editionCache(
  maxBytes: number,
  staleFor: number,
  load: (id: string) => Promise<ReadArticle>,
  resolve: (slug: string) => Promise<SlugHolder>,
) {
  const word: Word = { trusted: false, count: 0, era: { lostAt: 0 }, retryAt: undefined };
  const trueUntil = ({ changesAt }: { changesAt?: number | null }) => changesAt;
  const articles = keeper<CachedArticle>(word, {
    // What is left is for other forms (src/formats).
    maxBytes: maxBytes * 0.65,
    trueUntil,
    staleFor,
    sizeOf,
  });
  const lists = keeper<CachedList>(word, {
    maxBytes: maxBytes * 0.2,
    freshFor: LIST_TTL,
    trueUntil,
    staleFor,
    sizeOf,
  });
  const slugs = keeper<SlugHolder & Kept>(word, {
    maxBytes: maxBytes * 0.04,
    staleFor,
    sizeOf: () => 300,
  });
  const missing = keeper<{ problem: Problem } & Kept>(word, {
    maxBytes: maxBytes * 0.01,
    freshFor: MISS_TTL,
    staleFor: 0,
    sizeOf: () => 500,
  });
  const everything = [articles, lists, slugs, missing];
  let reloads = { window: 0, counts: new Map<string, number>() };

  const read = async (id: string): Promise<CachedArticle> => readyToSend(await load(id));

  /** Each article may be loaded again for its shares only so often, lest sharing undo the cache. */
  const mayReload = (id: string): boolean => {
    const window = Math.floor(Date.now() / WINDOW);
    if (reloads.window !== window) reloads = { window, counts: new Map() };
    const count = (reloads.counts.get(id) ?? 0) + 1;
    reloads.counts.set(id, count);
    return count <= RELOADS;
  };

  const byId = (id: string): CachedArticle | Promise<CachedArticle> => {
    const kept = articles.peek(id);
    if (kept?.lacksShares === true && mayReload(id)) return articles.reload(id, () => read(id));
    return articles.get(id, () => read(id));
  };

  const bySlug = (slug: string): Found | Promise<Found> => {
    const follow = ({ articleId, slug: movedTo, ...kept }: SlugHolder & Kept) =>
      movedTo === slug ? byId(articleId) : { articleId, movedTo, groups: [articleId], ...kept };
    const holder = slugs.get(slug, () => resolve(slug));
    return holder instanceof Promise ? holder.then(follow) : follow(holder);
  };

  return {
    /**
     * Finds what the public may read under an id or slug.
     *
     * @returns the article, or the slug that it has moved to
     * @throws 404 when it was never published, 410 when it was and is no more
     */
    find(reference: string): Found | Promise<Found> {
      // Ids are the same in either case (RFC 9562, section 4), slugs are not.
      const id = isId(reference) ? reference.toLowerCase() : undefined;
      const key = id ?? reference;
      const known = missing.peek(key);
      if (known !== undefined) throw known.problem;
      const found = id === undefined ? bySlug(reference) : byId(id);
      if (!(found instanceof Promise)) return found;
      const { count } = word;
      return found.catch((error: unknown) => {
        if (error instanceof Problem && word.count === count)
          void missing.get(key, () => Promise.resolve({ problem: error }));
        throw error;
      });
    },
    /** The article under an id or its present slug if it is kept and lacks nothing. */
    kept(reference: string): CachedArticle | undefined {
      const byItsId = articles.take(reference);
      const holder = byItsId === undefined ? slugs.peek(reference) : undefined;
      const found = holder?.slug === reference ? articles.take(holder.articleId) : byItsId;
      return found?.lacksShares === false ? found : undefined;
    },
    /** A first page of a list, by its address, if it is kept or being made. */
    keptList: (url: string): CachedList | Promise<CachedList> | undefined =>
      lists.take(url) ?? lists.underWay(url),
    list: (url: string, loadList: () => Promise<CachedList>) => lists.get(url, loadList),
    /** What readers get of an article has changed. */
    drop(articleId: string): void {
      word.count += 1;
      articles.forget(articleId);
      for (const kept of [lists, slugs, missing]) kept.forget();
    },
    /** Shares of an article were counted. */
    touch(articleId: string): void {
      const kept = articles.peek(articleId);
      if (kept !== undefined) kept.lacksShares = true;
      if (mayReload("lists")) lists.forget();
      if (articles.underWay(articleId) === undefined) return;
      // A load that is under way may have read the counts before: it is neither kept nor joined.
      word.count += 1;
      articles.forget(articleId);
    },
    /** A planned moment has come: some of what is kept is no longer what readers are to see. */
    turn(): void {
      word.count += 1;
      for (const kept of [lists, slugs, missing]) kept.forget();
    },
    trust(): void {
      word.count += 1;
      word.retryAt = undefined;
      // What changed while nothing was told is not known.
      if (!word.trusted) word.era = { lostAt: Infinity };
      word.trusted = true;
      for (const kept of everything) kept.part();
    },
    distrust(): void {
      word.count += 1;
      if (word.trusted) word.era.lostAt = Date.now();
      word.trusted = false;
      for (const kept of everything) kept.part();
    },
    /** Whether the process is told of every change now. */
    isTrusted: (): boolean => word.trusted,
    figures: (): Record<"articles" | "lists", KeeperFigures> => ({
      articles: articles.figures(),
      lists: lists.figures(),
    }),
  };
}

export type EditionCache = ReturnType<typeof editionCache>;
