import { LRUCache } from "lru-cache";
import type { Database } from "../database/client.ts";
import { isDatabaseAway } from "../database/errors.ts";
import { type Sendable, sendable } from "../http/bytes.ts";

/** How long a section's or tag's name is kept, in milliseconds: so long an answer may have the one before. */
const NAME_TTL = 1_000;
const OVERHEAD = 1_000;

type Make = () => string | Promise<string>;
interface Names {
  section: string | null;
  tags: string[];
}

/**
 * Keeps what was made of articles in other forms than our JSON, bounded in bytes, the least recently
 * used given up first. A variant is found by what it was made from, so none is ever out of date.
 *
 * @param staleFor how long names are used while the database is away, in milliseconds
 */
export function variants(database: Database, maxBytes: number, staleFor: number) {
  const kept = new LRUCache<string, Sendable, Make>({
    maxSize: Math.max(1, Math.floor(maxBytes)),
    sizeCalculation: ({ identity }) => OVERHEAD + 3 * identity.content.length,
    fetchMethod: async (_key, _stale, { context }) => sendable(await context()),
  });
  const named = new LRUCache<string, Names>({ max: 5_000, ttl: NAME_TTL, noDeleteOnStaleGet: true });
  const lastNames = (key: string): Names | undefined =>
    named.getRemainingTTL(key) > -staleFor ? named.get(key, { allowStale: true }) : undefined;

  return {
    /** What is kept under a key, or made now; requests at once wait for the same making. */
    async get(key: string, make: Make): Promise<Sendable> {
      return (await kept.fetch(key, { context: make })) ?? sendable(await make());
    },
    /** The names of the sections and tags of articles, in their order. */
    async namesOf(
      articles: readonly { section: string | null; tags: readonly string[] }[],
    ): Promise<Names[]> {
      const keyOf = ({ section, tags }: { section: string | null; tags: readonly string[] }) =>
        [section ?? "", ...tags].join(" ");
      const lacking = articles.filter((article) => !named.has(keyOf(article)));
      const found = new Map<string, Names>();
      if (lacking.length > 0) {
        try {
          const names = await readNames(database, lacking);
          for (const [index, article] of lacking.entries()) {
            const key = keyOf(article);
            found.set(key, names[index] ?? slugsOf(article));
            named.set(key, names[index]);
          }
        } catch (error) {
          // The articles are then from before as well.
          if (!isDatabaseAway(error)) throw error;
          for (const key of lacking.map(keyOf)) {
            const last = lastNames(key);
            if (last === undefined) throw error;
            found.set(key, last);
          }
        }
      }
      return articles.map(
        (article) => found.get(keyOf(article)) ?? named.get(keyOf(article)) ?? slugsOf(article),
      );
    },
  };
}

export type Variants = ReturnType<typeof variants>;

function slugsOf({ section, tags }: { section: string | null; tags: readonly string[] }): Names {
  return { section, tags: [...tags] };
}

async function readNames(
  database: Database,
  articles: readonly { section: string | null; tags: readonly string[] }[],
): Promise<Names[]> {
  const [sections, tags] = await Promise.all([
    namesBySlug(
      database.section,
      articles.flatMap(({ section }) => section ?? []),
    ),
    namesBySlug(
      database.tag,
      articles.flatMap((article) => article.tags),
    ),
  ]);
  return articles.map((article) => ({
    section: article.section === null ? null : (sections.get(article.section) ?? article.section),
    tags: article.tags.map((slug) => tags.get(slug) ?? slug),
  }));
}

async function namesBySlug(
  table: Pick<Database["section"], "findMany"> | Pick<Database["tag"], "findMany">,
  slugs: string[],
): Promise<Map<string, string>> {
  if (slugs.length === 0) return new Map();
  const rows = await (table as Database["section"]).findMany({
    where: { slug: { in: [...new Set(slugs)] } },
  });
  return new Map(rows.map(({ slug, name }) => [slug, name]));
}
