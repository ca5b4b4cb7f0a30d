import { setTimeout as sleep } from "node:timers/promises";
import { type Answered, type Client, type Sent, Unanswered } from "./http.ts";
import type { Random } from "./random.ts";

/** What an editor did to an article, as far as it was acknowledged or found out. */
export interface Written {
  id: string;
  /** Stands in every part of the working copy, so that half a write shows. */
  token: string;
  /** Whether it has parts besides its headline: those that were imported have no link. */
  hasLink: boolean;
  /** What readers are to see: a token, that it is gone, or that it never was. */
  seen: { token: string } | "gone" | "never";
  /** What readers are to see from a moment on, in milliseconds since 1970. */
  planned?: { token: string; at: number };
  /** How many comments the desk has made on it. */
  comments: number;
}

/** What all editors have done together. */
export interface Ledger {
  articles: Written[];
  touched: Set<Written>;
  /** Shares of an article by network. */
  shares: Map<string, { sent: number; acknowledged: number; exact: number }>;
  figures: Record<
    | "acknowledged"
    | "unanswered"
    | "unavailable"
    | "repeated"
    | "foundDone"
    | "foundUndone"
    | "doneThough503",
    number
  >;
  byKind: Record<string, number>;
  slowest: { took: number; what: string };
  failures: string[];
}

export function ledger(): Ledger {
  return {
    articles: [],
    touched: new Set(),
    shares: new Map(),
    figures: {
      acknowledged: 0,
      unanswered: 0,
      unavailable: 0,
      repeated: 0,
      foundDone: 0,
      foundUndone: 0,
      doneThough503: 0,
    },
    byKind: {},
    slowest: { took: 0, what: "" },
    failures: [],
  };
}

/** What is known of an article's shares on a network. */
export function sharesOf(book: Ledger, id: string, network: string) {
  const key = `${id} ${network}`;
  const known = book.shares.get(key) ?? { sent: 0, acknowledged: 0, exact: 0 };
  book.shares.set(key, known);
  return known;
}

/** How long it may take until an answer comes, over all tries, in milliseconds. */
const PATIENCE = 60_000;
export const NETWORKS = ["x", "facebook", "whatsapp"];
/** Scheduled articles are let alone for so long after their moment, in milliseconds. */
const AFTER_MOMENT = 5_000;

/** A working copy in which every part bears a token. */
export const content = (token: string) => ({
  headline: `T ${token}`,
  standfirst: token,
  body: [{ type: "paragraph", text: token }],
  keyPoints: [`${token} one`, `${token} two`],
  relatedLinks: [{ kind: "external", title: token, url: "https://news.example/" }],
});

/** The token of a working copy or edition; undefined when its parts do not bear the same. */
export function tokenOf(shown: string, hasLink: boolean): string | undefined {
  const { headline, keyPoints, relatedLinks } = JSON.parse(shown) as {
    headline: string;
    keyPoints: { text: string }[];
    relatedLinks: { title: string }[];
  };
  const token = headline.slice(2);
  const parts = [...keyPoints.map(({ text }) => text), ...relatedLinks.map(({ title }) => title)];
  const expected = [`${token} one`, `${token} two`, ...(hasLink ? [token] : [])];
  return JSON.stringify(parts) === JSON.stringify(expected) ? token : undefined;
}

/**
 * An editor and reader in one, who writes one thing after the other. What is not answered is found out
 * before the next: by repeating it with its Idempotency-Key, or by looking.
 */
export function editor(name: string, sender: Client, book: Ledger, chance: Random, shared: () => string[]) {
  const own: Written[] = [];
  let number = 0;
  const nextToken = () => `${name}-${(number += 1)}`;

  const note = (kind: string) => {
    book.figures.acknowledged += 1;
    book.byKind[kind] = (book.byKind[kind] ?? 0) + 1;
  };
  const fail = (what: string) => book.failures.push(`${name}: ${what}`);

  /** One try. Undefined when it is not known what became of it. */
  const attempt = async (sent: Sent): Promise<Answered | undefined> => {
    try {
      const answer = await sender.send(sent);
      const what = `${sent.method} ${sent.path} ${answer.status}`;
      if (answer.took > book.slowest.took) book.slowest = { took: answer.took, what };
      if (answer.status === 503) {
        book.figures.unavailable += 1;
        if (answer.headers["retry-after"] === undefined) fail(`${what} without Retry-After`);
        return undefined;
      }
      if (answer.status >= 500) fail(`${what}: ${answer.text}`);
      return answer;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      if (error.message.includes("hangs")) fail(error.message);
      book.figures.unanswered += 1;
      return undefined;
    }
  };

  /** Tries until it is answered; what must be done once bears an Idempotency-Key. */
  const insist = async (sent: Sent): Promise<Answered> => {
    const until = Date.now() + PATIENCE;
    for (let pause = 20; ; pause = Math.min(250, 2 * pause)) {
      const answer = await attempt(sent);
      const isRunning = answer?.status === 409 && answer.text.includes("still-running");
      if (answer !== undefined && !isRunning) return answer;
      if (Date.now() > until)
        throw new Error(`${sent.method} ${sent.path} was not answered within ${PATIENCE / 1000} s`);
      await sleep(pause);
    }
  };

  /** A POST that is done once, however often it is tried. */
  const once = async (
    path: string,
    body: object | string,
    wanted: number,
  ): Promise<{ answer: Answered; isDone: boolean }> => {
    const headers = { "idempotency-key": `${name}-key-${(number += 1)}` };
    const sent = { method: "POST", path, headers, body };
    const was = book.figures.unavailable;
    const first = await attempt(sent);
    const answer = first ?? (await insist(sent));
    if (first === undefined) {
      book.figures.repeated += 1;
      const wasDone = answer.headers["idempotency-replayed"] === "true";
      if (wasDone) book.figures.foundDone += 1;
      else book.figures.foundUndone += 1;
      if (wasDone && book.figures.unavailable > was) book.figures.doneThough503 += 1;
    }
    if (answer.status !== wanted) fail(`POST ${path} was answered ${answer.status}: ${answer.text}`);
    return { answer, isDone: answer.status === wanted };
  };

  const take = (id: string, token: string, seen: Written["seen"], hasLink = true): Written => {
    const written: Written = { id, token, hasLink, seen, comments: 0 };
    own.push(written);
    book.articles.push(written);
    book.touched.add(written);
    return written;
  };
  const idOf = ({ text }: Answered) => (JSON.parse(text) as { id: string }).id;

  /** An article that nothing is planned for. */
  const any = (fits: (written: Written) => boolean = () => true): Written | undefined => {
    for (const written of own) {
      const { planned } = written;
      if (planned !== undefined && planned.at + AFTER_MOMENT < Date.now()) {
        written.seen = { token: planned.token };
        delete written.planned;
      }
    }
    const fitting = own.filter((written) => written.planned === undefined && fits(written));
    return fitting.length === 0 ? undefined : chance.oneOf(fitting);
  };

  const kinds: Record<string, () => Promise<boolean>> = {
    async create() {
      const token = nextToken();
      const { answer, isDone } = await once("/v1/articles", content(token), 201);
      if (isDone) take(idOf(answer), token, "never");
      return isDone;
    },
    async import() {
      const token = nextToken();
      const page = `T ${token}\n\nKEY POINTS\n\n  • ${token} one\n  • ${token} two\n\nA paragraph.\n`;
      const { answer, isDone } = await once("/v1/imports?publish=true", page, 201);
      if (isDone) take(idOf(answer), token, { token }, false);
      return isDone;
    },
    async bulk() {
      const tokens = [nextToken(), nextToken()] as const;
      const operations = [
        ...tokens.map((token) => ({ method: "POST", path: "/v1/articles", body: content(token) })),
        { method: "POST", path: "/v1/articles/{0.id}/publish" },
      ];
      const { answer, isDone } = await once("/v1/bulk", { atomic: true, operations }, 200);
      if (!isDone) return false;
      const { results } = JSON.parse(answer.text) as { results: { status: number; body: { id: string } }[] };
      const [first, second] = results;
      if (results.some(({ status }) => status >= 400) || first === undefined || second === undefined) {
        fail(`an atomic bulk was done by half: ${answer.text.slice(0, 300)}`);
        return false;
      }
      take(first.body.id, tokens[0], { token: tokens[0] });
      take(second.body.id, tokens[1], "never");
      return true;
    },
    async patch() {
      const written = any(({ hasLink }) => hasLink);
      if (written === undefined) return false;
      const token = nextToken();
      book.touched.add(written);
      const path = `/v1/articles/${written.id}`;
      const headers = { "if-match": "*" };
      const answer = await attempt({ method: "PATCH", path, headers, body: content(token) });
      if (answer !== undefined) {
        if (answer.status === 200) written.token = token;
        else fail(`PATCH ${path} was answered ${answer.status}: ${answer.text}`);
        return answer.status === 200;
      }
      const { text } = await insist({ method: "GET", path: `${path}?version=draft` });
      const found = tokenOf(text, true);
      if (found !== token && found !== written.token)
        fail(`${written.id} is neither what it was nor what it was changed to: ${text.slice(0, 500)}`);
      book.figures[found === token ? "foundDone" : "foundUndone"] += 1;
      written.token = found ?? written.token;
      return found === token;
    },
    async publish() {
      const written = any();
      if (written === undefined) return false;
      book.touched.add(written);
      const { isDone } = await once(`/v1/articles/${written.id}/publish`, {}, 200);
      if (isDone) written.seen = { token: written.token };
      return isDone;
    },
    async schedule() {
      const written = any();
      if (written === undefined) return false;
      book.touched.add(written);
      const at = Date.now() + 60_000 + chance.between(0, 1_000);
      const moment = new Date(at).toISOString();
      const { isDone } = await once(`/v1/articles/${written.id}/publish`, { at: moment }, 200);
      if (isDone) written.planned = { token: written.token, at };
      return isDone;
    },
    async unpublish() {
      const written = any(({ seen }) => typeof seen === "object");
      if (written === undefined) return false;
      book.touched.add(written);
      const { isDone } = await once(`/v1/articles/${written.id}/unpublish`, {}, 200);
      if (isDone) written.seen = "gone";
      return isDone;
    },
    async comment() {
      const written = any();
      if (written === undefined) return false;
      book.touched.add(written);
      const body = { text: nextToken() };
      const { isDone } = await once(`/v1/articles/${written.id}/comments`, body, 201);
      if (isDone) written.comments += 1;
      return isDone;
    },
    async share() {
      const [id, network] = [chance.oneOf(shared()), chance.oneOf(NETWORKS)];
      const count = sharesOf(book, id, network);
      count.sent += 1;
      const path = `/v1/articles/${id}/shares`;
      const answer = await attempt({ method: "POST", path, body: { network } });
      if (answer?.status === 201) count.acknowledged += 1;
      else if (answer !== undefined) fail(`POST ${path} was answered ${answer.status}: ${answer.text}`);
      return answer?.status === 201;
    },
    async "share once"() {
      const [id, network] = [chance.oneOf(shared()), chance.oneOf(NETWORKS)];
      const { isDone } = await once(`/v1/articles/${id}/shares`, { network }, 201);
      if (isDone) sharesOf(book, id, network).exact += 1;
      return isDone;
    },
  };

  const often = Object.entries({
    create: 4,
    patch: 4,
    publish: 4,
    share: 6,
    "share once": 2,
    import: 1,
    bulk: 1,
    unpublish: 1,
    schedule: 1,
    comment: 1,
  }).flatMap(([kind, weight]) => Array.from({ length: weight }, () => kind));

  return {
    /** Writes one thing after the other until told to stop, and rests in between if at all. */
    async work(isOver: () => boolean, rest = async () => {}): Promise<void> {
      while (!isOver()) {
        const kind = chance.oneOf(often);
        if (await kinds[kind]?.()) note(kind);
        await rest();
      }
    },
  };
}
