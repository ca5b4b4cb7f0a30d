import { setTimeout as sleep } from "node:timers/promises";
import { type Answered, type Client, type Sent, Unanswered } from "./http.ts";
import type { Random } from "./random.ts";

/** How long readers and editors wait after each answer, in milliseconds. */
const READER_PAUSE = 5;
const EDITOR_PAUSE = 60;

/** An article whose headline is `T n`, and what was acknowledged of it. */
export interface Watched {
  id: string;
  /** The last number that an editor has tried, acknowledged or not. */
  tried: number;
  /** Each publication that was acknowledged, and when, by this process's clock; the earliest first. */
  acknowledged: { number: number; at: number }[];
}

/** What readers and editors saw while something happened. */
export interface Seen {
  reads: number;
  hits: number;
  /** Answers older than what had been acknowledged when they were asked for. */
  stale: number;
  /** How long after the acknowledgement of what it lacked the latest of them was asked for, in milliseconds. */
  stalest: number;
  /** Those of readers that were no answer, by status; `none` when nothing came. */
  readErrors: Record<string, number>;
  /** How long readers were without a good answer at the longest, in milliseconds. */
  readGap: number;
  writes: number;
  writeErrors: Record<string, number>;
  /** How long it took an editor to have something done, tries that failed included, at the longest. */
  writeGap: number;
  /** How often an editor did not find what was acknowledged to it. */
  unread: number;
}

export interface Watch {
  seen: Seen;
  /** Has all finish what they began. */
  finish: () => Promise<void>;
}

/**
 * Has readers read articles and the list that they are all on, and editors publish them, each one's own,
 * until told to stop.
 */
export function watch(
  reader: Client,
  editor: Client,
  articles: readonly Watched[],
  chance: Random,
  { readers, editors }: { readers: number; editors: number },
): Watch {
  const seen: Seen = {
    reads: 0,
    hits: 0,
    stale: 0,
    stalest: 0,
    readErrors: {},
    readGap: 0,
    writes: 0,
    writeErrors: {},
    writeGap: 0,
    unread: 0,
  };
  const stopping = new AbortController();

  /** An answer that is good, or what it was instead written down. */
  const good = async (sender: Client, sent: Sent, errors: Record<string, number>) => {
    const answer = await sender.send(sent).catch((error: unknown) => {
      if (!(error instanceof Unanswered)) throw error;
      return undefined;
    });
    if (answer?.status === 200) return answer;
    const what = answer === undefined ? "none" : String(answer.status);
    errors[what] = (errors[what] ?? 0) + 1;
    return undefined;
  };

  const lookAt = (id: string, headline: string, asked: number) => {
    const number = numberOf(headline);
    const lacked = articles
      .find((article) => article.id === id)
      ?.acknowledged.find((one) => one.number > number && one.at <= asked);
    if (lacked === undefined) return;
    seen.stale += 1;
    seen.stalest = Math.max(seen.stalest, asked - lacked.at);
  };

  const read = async () => {
    let last = performance.now();
    while (!stopping.signal.aborted) {
      const asked = performance.now();
      const isList = chance.between(1, 5) === 1;
      const path = isList ? "/v1/articles" : `/v1/articles/${chance.oneOf(articles).id}`;
      const answer = await good(reader, { method: "GET", path }, seen.readErrors);
      const now = performance.now();
      seen.readGap = Math.max(seen.readGap, now - last);
      if (answer !== undefined) {
        last = now;
        seen.reads += 1;
        if (answer.headers["x-cache"] === "hit") seen.hits += 1;
        for (const { id, headline } of shownIn(answer)) lookAt(id, headline, asked);
      }
      await sleep(answer === undefined ? 50 : READER_PAUSE);
    }
  };

  const edit = async (own: readonly Watched[]) => {
    let last = performance.now();
    while (!stopping.signal.aborted) {
      const article = chance.oneOf(own);
      const path = `/v1/articles/${article.id}`;
      article.tried += 1;
      const number = article.tried;
      const body = { headline: `T ${number}` };
      const patch = { method: "PATCH", path, headers: { "if-match": "*" }, body };
      const isChanged = (await good(editor, patch, seen.writeErrors)) !== undefined;
      const publish = { method: "POST", path: `${path}/publish`, body: {} };
      const isPublished = isChanged && (await good(editor, publish, seen.writeErrors)) !== undefined;
      const now = performance.now();
      seen.writeGap = Math.max(seen.writeGap, now - last);
      if (isPublished) {
        last = now;
        article.acknowledged.push({ number, at: now });
        seen.writes += 1;
        for (const version of ["draft", "published"]) {
          const found = await good(
            editor,
            { method: "GET", path: `${path}?version=${version}` },
            seen.writeErrors,
          );
          if (found !== undefined && shownIn(found).some(({ headline }) => numberOf(headline) < number))
            seen.unread += 1;
        }
      }
      await sleep(EDITOR_PAUSE);
    }
  };

  const each = Math.ceil(articles.length / editors);
  const all = Promise.all([
    ...Array.from({ length: readers }, read),
    ...Array.from({ length: editors }, (_, number) =>
      edit(articles.slice(number * each, (number + 1) * each)),
    ),
  ]);
  all.catch(() => {});
  return {
    seen,
    async finish() {
      stopping.abort();
      await all;
    },
  };
}

interface Shown {
  id: string;
  headline: string;
}

export function shownIn({ text }: Answered): Shown[] {
  const body = JSON.parse(text) as Shown | { data: Shown[] };
  return "data" in body ? body.data : [body];
}

/** The number in an article's headline. */
export const numberOf = (headline: string) => Number(headline.replace("T ", ""));
