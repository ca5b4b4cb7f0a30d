import { setTimeout as sleep } from "node:timers/promises";
import { type Ledger, NETWORKS, sharesOf } from "./editors.ts";
import type { Answered, Client } from "./http.ts";
import type { Random } from "./random.ts";

/** What readers do, one thing after the other, by what it is called. */
export type Readers = Record<string, () => Promise<void>>;

/** Words that articles are made of, so that searches find some. */
const WORDS = Array.from({ length: 10_000 }, (_, number) => `word${number}`);
const LANGUAGES = ["en", "de", "tr"];
const SORTS = ["newest", "oldest", "updated", "mostShared"];
/** How many words an article has: what all of them are must be more than the memory for them. */
const LENGTH = 1_500;

/** An article of words by chance. */
export function wordy(chance: Random, number: number): object {
  const words = (count: number) => Array.from({ length: count }, () => chance.oneOf(WORDS)).join(" ");
  return {
    headline: `Article ${number} ${words(3)}`,
    standfirst: words(20),
    language: chance.oneOf(LANGUAGES),
    body: Array.from({ length: 15 }, () => ({ type: "paragraph", text: words(LENGTH / 15) })),
    keyPoints: [words(8), words(8)],
  };
}

/**
 * Readers of what is published, who hold what they get against what they asked for.
 *
 * @param clientFor who sends what, by what it is called
 * @param hot the ids of what many read, @param cold of what seldom anybody does
 */
export function readers(
  clientFor: (kind: string) => Client,
  book: Ledger,
  chance: Random,
  { hot, cold }: { hot: readonly string[]; cold: readonly string[] },
): Readers {
  const failed = (what: string, { status, text }: Answered) =>
    book.failures.push(`${what} was answered ${status}: ${text.slice(0, 300)}`);
  // As many readers come from as many places.
  const address = () => `10.${chance.between(0, 255)}.${chance.between(0, 255)}.${chance.between(0, 255)}`;
  const get = async (kind: string, path: string, more: Record<string, string> = {}) =>
    clientFor(kind).send({ method: "GET", path, headers: { "x-forwarded-for": address(), ...more } });
  const list = async (kind: string, path: string) => {
    const answer = await get(kind, path);
    if (answer.status === 200) return JSON.parse(answer.text) as { page: { next: string | null } };
    failed(path, answer);
    return undefined;
  };
  const read = async (kind: string, id: string) => {
    const path = `/v1/articles/${id}`;
    const answer = await get(kind, path);
    if (answer.status !== 200 || !answer.text.includes(`"id":"${id}"`)) failed(path, answer);
    return answer;
  };
  const tags = new Map<string, string>();
  let next: string | null = null;
  let since = "start";

  return {
    async "a hot article"() {
      const id = chance.oneOf(hot);
      const known = tags.get(id);
      if (known === undefined || chance.next() < 0.5) {
        const { headers } = await read("a hot article", id);
        tags.set(id, String(headers.etag));
        return;
      }
      const coding = { "accept-encoding": "gzip", "if-none-match": known };
      const answer = await get("a hot article", `/v1/articles/${id}`, coding);
      if (answer.status !== 200 && answer.status !== 304) failed(id, answer);
    },
    async "a cold article"() {
      await read("a cold article", chance.oneOf(cold));
    },
    async "a list"() {
      const from = `/v1/articles?limit=20&sort=${chance.oneOf(SORTS)}&language=${chance.oneOf(LANGUAGES)}`;
      const path: string = chance.next() < 0.5 ? from : (next ?? from);
      const found = await list("a list", path);
      const [same = path] = path.split("&cursor=");
      next = found?.page.next == null ? null : `${same}&cursor=${encodeURIComponent(found.page.next)}`;
    },
    async "a search"() {
      await list("a search", `/v1/articles?q=${chance.oneOf(WORDS)}%20${chance.oneOf(WORDS)}&limit=10`);
    },
    async "a page of changes"() {
      const page = await list("a page of changes", `/v1/changes?limit=20&since=${encodeURIComponent(since)}`);
      since = page?.page.next == null || page.page.next === since ? "start" : page.page.next;
    },
    async "a share"() {
      const [id, network] = [chance.oneOf(hot), chance.oneOf(NETWORKS)];
      const count = sharesOf(book, id, network);
      count.sent += 1;
      const path = `/v1/articles/${id}/shares`;
      const headers = { "x-forwarded-for": address() };
      const answer = await clientFor("a share").send({ method: "POST", path, headers, body: { network } });
      if (answer.status === 201) count.acknowledged += 1;
      else failed(path, answer);
    },
  };
}

/**
 * Does something so often a second, at moments by chance, by as many as it takes to do it in time.
 *
 * @returns ends when it is over and all is done
 */
export async function often(
  rate: number,
  chance: Random,
  isOver: () => boolean,
  work: () => Promise<void>,
): Promise<void> {
  const EACH = 5;
  const actors = Math.max(1, Math.ceil(rate / EACH));
  const pause = (actors * 1000) / rate;
  const act = async () => {
    await sleep(chance.next() * pause);
    for (let due = performance.now(); !isOver(); due += 2 * chance.next() * pause) {
      // Whoever has come late does not hurry afterwards.
      due = Math.max(due, performance.now() - pause);
      await sleep(Math.max(0, due - performance.now()));
      await work();
    }
  };
  await Promise.all(Array.from({ length: actors }, act));
}
