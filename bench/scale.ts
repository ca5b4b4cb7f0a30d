import { medianOf, startServer } from "./load.ts";

/** What is asked of lists and searches, by name; `atMost` is how many times slower the greater archive may be. */
const LIST = 2;
const SEARCH = 4;
const queries: { name: string; query: string; atMost: number }[] = [
  ["first page", ""],
  ["oldest", "sort=oldest"],
  ["updated", "sort=updated"],
  ["section", "section=sections-3"],
  ["tag", "tag=tags-7"],
  ["author", "author=authors-5"],
  ["language", "language=pt-BR"],
  ["tag, oldest", "tag=tags-7&sort=oldest"],
  ["tag, updated", "tag=tags-7&sort=updated"],
  ["section and tag", "section=sections-3&tag=tags-7"],
  ["section and tag, updated", "section=sections-3&tag=tags-7&sort=updated"],
  ["section and author", "section=sections-3&author=authors-5"],
  ["rare tag", "tag=rare"],
  ["rare tag and common language", "tag=rare&language=en"],
  ["all four filters", "section=sections-3&tag=tags-7&author=authors-5&language=en"],
  ["section and seldom language", "section=sections-3&language=fr"],
  ["published after", "publishedAfter=2020-01-01"],
  ["published within a year", "publishedAfter=2018-01-01&publishedBefore=2019-01-01"],
  ["tag, published within a year", "tag=tags-7&publishedAfter=2018-01-01&publishedBefore=2019-01-01"],
  ["published before, updated", "publishedBefore=2020-01-01&sort=updated"],
  ["updated after", "updatedAfter=2025-12-01"],
  ["updated after, oldest", "updatedAfter=2025-12-01&sort=oldest"],
  ["most shared within a day", "sort=mostShared&window=24h"],
  ["most shared of all", "sort=mostShared"],
  ["most shared of a section", "sort=mostShared&section=sections-3"],
  ["most shared of a tag", "sort=mostShared&tag=tags-7"],
  ["most shared of a tag within a day", "sort=mostShared&window=24h&tag=tags-7"],
  ["most shared of a rare tag", "sort=mostShared&tag=rare"],
  ["counted", "count=true"],
  ["counted section", "section=sections-3&count=true"],
  ["counted section and tag", "section=sections-3&tag=tags-7&count=true"],
  ["counted section and language", "section=sections-3&language=en&count=true"],
  ["working copies", "version=draft"],
  ["working copies, updated", "version=draft&sort=updated"],
  ["working copies of a section, published", "version=draft&section=sections-3&status=published"],
  ["working copies of a tag", "version=draft&tag=tags-7"],
  ["working copies of a tag, updated", "version=draft&tag=tags-7&sort=updated"],
  ["working copies of an author", "version=draft&author=authors-5"],
  ["working copies of an author, updated", "version=draft&author=authors-5&sort=updated"],
  ["counted working copies of a tag", "version=draft&tag=tags-7&count=true"],
]
  .map(([name = "", query = ""]) => ({ name, query, atMost: LIST }))
  .concat(
    [
      ["word of every article", "q=story"],
      ["common word", "q=harbour"],
      ["common word, newest", "q=harbour&sort=newest"],
      ["common word, oldest", "q=harbour&sort=oldest"],
      ["rare word", "q=lighthouse&limit=1"],
      ["rare word, newest", "q=lighthouse&sort=newest&limit=1"],
      ["less common word", "q=ferry"],
      ["less common word, newest", "q=ferry&sort=newest"],
      ["two words", "q=ferry harbour"],
      ["phrase", 'q="harbour bridge"'],
      ["misspelt word", "q=lighthuose&limit=1"],
      ["beginning of a word", "q=lighth&limit=1"],
      ["beginning of a common word", "q=har"],
      ["word and tag", "q=harbour&tag=tags-7"],
      ["word and rare tag", "q=harbour&tag=rare&limit=1"],
      ["word, section and language", "q=ferry&section=sections-3&language=en"],
      ["word, published within a year", "q=ferry&publishedAfter=2018-01-01&publishedBefore=2019-01-01"],
      ["counted common word", "q=harbour&count=true"],
      ["counted rare word", "q=lighthouse&count=true&limit=1"],
    ].map(([name = "", query = ""]) => ({ name, query, atMost: SEARCH })),
  );

/** What a query took in each archive, in milliseconds, and how many times longer in the greater one. */
export interface Scaled {
  name: string;
  small: number;
  great: number;
  ratio: number;
  atMost: number;
}

/**
 * Measures every list and search in a small archive and in a great one, over HTTP, one request
 * after the other, with nothing kept in memory.
 *
 * @param databases the addresses of the two archives, seeded
 * @param settings the servers' environment
 */
export async function scale(
  databases: { small: string; great: string },
  settings: Record<string, string>,
  times = 15,
): Promise<Scaled[]> {
  const serve = (url: string) =>
    startServer(["src/main.ts"], { ...settings, DATABASE_URL: url, DATELINE_CACHE: "0" });
  const small = await serve(databases.small);
  const great = await serve(databases.great);
  try {
    const found: Scaled[] = [];
    for (const { name, query, atMost } of queries) {
      const address = `/v1/articles?${new URLSearchParams(query).toString()}`;
      const took = { small: [] as number[], great: [] as number[] };
      for (let time = -2; time < times; time += 1) {
        const one = await timeOf(small.url + address, settings.DATELINE_ADMIN_KEY);
        const other = await timeOf(great.url + address, settings.DATELINE_ADMIN_KEY);
        // The first ones open connections and read from the disk.
        if (time < 0) continue;
        took.small.push(one);
        took.great.push(other);
      }
      const medians = { small: medianOf(took.small), great: medianOf(took.great) };
      found.push({ name, ...medians, ratio: medians.great / medians.small, atMost });
    }
    return found;
  } finally {
    small.stop();
    great.stop();
  }
}

/** Working copies are for who has a key; what is published is asked for as its readers do. */
async function timeOf(url: string, key = ""): Promise<number> {
  const headers = {
    "accept-encoding": "identity",
    ...(url.includes("version=draft") && { authorization: `Bearer ${key}` }),
  };
  const start = performance.now();
  const answer = await fetch(url, { headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${text}`);
  return performance.now() - start;
}
