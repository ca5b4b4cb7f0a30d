import { LRUCache } from "lru-cache";
import type { Database } from "../database/client.ts";
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
 */
export function variants(database: Database, maxBytes: number) {
  const kept = new LRUCache<string, Sendable, Make>({
    maxSize: Math.max(1, Math.floor(maxBytes)),
    sizeCalculation: ({ identity }) => OVERHEAD + 3 * identity.bytes.length,
    fetchMethod: async (_key, _stale, { context }) => sendable(await context()),
  });
  const named = new LRUCache<string, Names>({ max: 5_000, ttl: NAME_TTL });

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
      if (lacking.length > 0) {
        const [sections, tags] = await Promise.all([
          namesBySlug(
            database.section,
            lacking.flatMap(({ section }) => section ?? []),
          ),
          namesBySlug(
            database.tag,
            lacking.flatMap((article) => article.tags),
          ),
        ]);
        const found = lacking.map((article): [string, Names] => [
          keyOf(article),
          {
            section: article.section === null ? null : (sections.get(article.section) ?? article.section),
            tags: article.tags.map((slug) => tags.get(slug) ?? slug),
          },
        ]);
        for (const [key, names] of found) named.set(key, names);
        const fresh = new Map(found);
        return articles.map(
          (article) => fresh.get(keyOf(article)) ?? named.get(keyOf(article)) ?? slugsOf(article),
        );
      }
      return articles.map((article) => named.get(keyOf(article)) ?? slugsOf(article));
    },
  };
}

export type Variants = ReturnType<typeof variants>;

function slugsOf({ section, tags }: { section: string | null; tags: readonly string[] }): Names {
  return { section, tags: [...tags] };
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
