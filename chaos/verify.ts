import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Ledger, type Written, tokenOf } from "./editors.ts";
import { type Client, insist } from "./http.ts";
import type { Follower, Receiver } from "./partners.ts";

/** How long webhooks may take to catch up, and what follows on a moment to be done, in milliseconds. */
const CATCHING_UP = 120_000;
const SETTLING = 2_500;

/** All that was done to a newsroom, and who looked on. */
export interface Everything {
  sender: Client;
  reader: Client;
  book: Ledger;
  /** Articles that no editor made. */
  besides: ReadonlySet<string>;
  following: Follower;
  partner: Receiver;
  /** The last change before the partner was told of any. */
  first: number;
  databaseUrl: string;
}

/** Holds everything against everything, once nobody writes any more; how many articles and changes there are. */
export async function verifyAll(all: Everything): Promise<{ articles: number; changes: number }> {
  const { sender, reader, book, following, partner } = all;
  const database = new pg.Client({ connectionString: all.databaseUrl });
  await database.connect();
  await sleep(SETTLING);
  await following.finish();
  await verifyArticles(sender, reader, book, book.articles);
  const articles = await verifyList(sender, book, all.besides);
  await verifyShares(reader, book, database);
  const changes = await following.verify(book, database);
  await partner.verify(book, database, all.first, CATCHING_UP);
  await database.end();
  return { articles, changes };
}

/** Waits until what editors have planned is over, and done. */
export async function untilPlansAreOver({ articles }: Ledger): Promise<void> {
  const moments = articles.flatMap(({ planned }) => planned?.at ?? []);
  if (moments.length > 0) await sleep(Math.max(0, Math.max(...moments) + 5_000 - Date.now()));
}

/** The number of the last change. */
export async function lastChange(databaseUrl: string): Promise<number> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  const { rows } = await database.query("SELECT coalesce(max(sequence), 0) AS last FROM changes");
  await database.end();
  return Number(rows[0].last);
}

/** Holds articles against what was acknowledged: the working copy whole, and what readers get. */
export async function verifyArticles(sender: Client, reader: Client, book: Ledger, which: Iterable<Written>) {
  const all = [...which];
  await inParallel(all, async (written) => {
    const path = `/v1/articles/${written.id}`;
    const fail = (what: string) => book.failures.push(`${path} (${written.token}): ${what}`);
    const draft = await insist(sender, { method: "GET", path: `${path}?version=draft` });
    if (draft.status !== 200) fail(`an acknowledged article is lost: ${draft.status} ${draft.text}`);
    else if (tokenOf(draft.text, written.hasLink) !== written.token)
      fail(`the working copy is not what was acknowledged: ${draft.text.slice(0, 500)}`);

    const comments = await insist(sender, { method: "GET", path: `${path}/comments?limit=1&count=true` });
    const { page } = JSON.parse(comments.text) as { page?: { total?: number } };
    if (page?.total !== written.comments)
      fail(`has not the ${written.comments} comments that were acknowledged: ${comments.text.slice(0, 300)}`);

    const { planned } = written;
    const isDue = planned !== undefined && planned.at < Date.now() - 100;
    const isSoon = planned !== undefined && !isDue && planned.at < Date.now() + 2_000;
    if (isSoon) return;
    const seen = isDue ? { token: planned.token } : written.seen;
    const { status, text } = await insist(reader, { method: "GET", path });
    if (typeof seen === "object") {
      if (status !== 200) fail(`readers get ${status} of an article that was published`);
      else if (tokenOf(text, written.hasLink) !== seen.token)
        fail(`readers get another edition: ${text.slice(0, 500)}`);
    } else if (status !== (seen === "gone" ? 410 : 404))
      fail(`readers get ${status} of an article that is ${seen === "gone" ? "taken back" : "a draft"}`);
  });
}

/** Holds what there is against what was written: nothing twice, nothing half, nothing that nobody wrote. */
export async function verifyList(
  sender: Client,
  book: Ledger,
  besides: ReadonlySet<string>,
): Promise<number> {
  const expected = new Map(book.articles.map((written) => [written.id, written]));
  let count = 0;
  for (let cursor: string | null = ""; cursor !== null;) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const { text } = await insist(sender, {
      method: "GET",
      path: `/v1/articles?version=draft&limit=100${query}`,
    });
    const page = JSON.parse(text) as { data: { id: string }[]; page: { next: string | null } };
    for (const article of page.data) {
      if (besides.has(article.id)) continue;
      count += 1;
      const written = expected.get(article.id);
      if (written === undefined)
        book.failures.push(`an article that nobody knows of: ${JSON.stringify(article).slice(0, 300)}`);
      else if (tokenOf(JSON.stringify(article), written.hasLink) === undefined)
        book.failures.push(`a half article: ${JSON.stringify(article).slice(0, 500)}`);
      expected.delete(article.id);
    }
    cursor = page.page.next;
  }
  for (const written of expected.values())
    book.failures.push(`the list lacks ${written.id} (${written.token})`);
  return count;
}

/** Holds counts against the shares that were sent and acknowledged, and totals against counts. */
export async function verifyShares(reader: Client, book: Ledger, database: pg.Client): Promise<void> {
  for (const [key, { sent, acknowledged, exact }] of book.shares) {
    const [id = "", network = ""] = key.split(" ");
    const { text } = await insist(reader, {
      method: "GET",
      path: `/v1/articles/${id}/share-counts/${network}`,
    });
    const { count = 0 } = JSON.parse(text) as { count?: number };
    if (count < acknowledged + exact || count > sent + exact)
      book.failures.push(
        `${id} has ${count} shares on ${network}: ${acknowledged + exact} were acknowledged, ${sent + exact} sent`,
      );
  }
  const { rows } = await database.query(
    `SELECT c.article_id, c.counted, coalesce(s.count, 0) AS standing
     FROM (SELECT article_id, sum(settled) AS counted FROM share_counts GROUP BY article_id) c
     LEFT JOIN share_standings s ON s.article_id = c.article_id AND s.span = 'all'
     WHERE c.counted <> coalesce(s.count, 0)`,
  );
  for (const row of rows)
    book.failures.push(`the standing of an article is not its count: ${JSON.stringify(row)}`);
}

/** Works on all of a list, some at a time. */
export async function inParallel<T>(list: readonly T[], work: (one: T) => Promise<void>, width = 8) {
  const rest = list.values();
  const walk = async () => {
    for (const one of rest) await work(one);
  };
  await Promise.all(Array.from({ length: width }, walk));
}
