import { deepStrictEqual } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type { Caller } from "./callers.ts";
import type { Target } from "./fuzz.ts";
import { type Judge, judgeOf, pathOf } from "./judge.ts";
import { type Answered, type Request, send } from "./send.ts";

// A newsroom of some lines, which is held against the real one after each step.

/** How soon readers see a share that was acknowledged, in milliseconds: the contract's figure. */
const SHARES_SEEN = 1_000;
/** How soon what is due has been carried out, in milliseconds; readers see it at its moment. */
const CARRIED_OUT = 5_000;
/** How far ahead something is planned that is waited for, in milliseconds. */
const SOON = 400;

type Status = "draft" | "in_review" | "scheduled" | "published" | "unpublished";

/** An article as the model has it. */
interface Article {
  id: string;
  headline: string;
  status: Status;
  version: number;
  /** What readers have; what they have had makes a difference as well. */
  live: string | undefined;
  wasLive: boolean;
  /** What they will have, and whether it was edited since. */
  planned: { headline: string; isEdited: boolean } | undefined;
  /** Whether the working copy is ahead of what was last published. */
  isEdited: boolean;
  isInTrash: boolean;
  counts: Record<string, number>;
  /** The entity tag that an editor holds who has not looked since. */
  staleTag: string | undefined;
  tag: string;
}

interface Model {
  articles: Article[];
  /** Headlines are told apart by a number. */
  headlines: number;
}

/** The newsroom, what this run has to itself of it, and a partner's copy. */
interface Real {
  ask: (
    caller: "anyone" | "admin",
    method: string,
    path: string,
    body?: object,
    tag?: string,
  ) => Promise<Answered>;
  section: string;
  mirror: Map<string, string>;
  cursor: string;
  /** The number of the last change. */
  sequence: number;
}

type Json = Record<string, unknown>;
const json = ({ text }: Answered) => JSON.parse(text) as Json;

/**
 * Does random sequences of valid operations and compares the newsroom with the model after each.
 *
 * @param options.sequences how many sequences, of up to 30 operations each
 * @returns what differed, with the smallest sequence that shows it, or null when all was alike; and how
 *   often each operation was done
 */
export async function compareWithModel(
  target: Target,
  options: { sequences: number; seed: number },
): Promise<{ report: string | null; steps: Map<string, number> }> {
  const judge = judgeOf(target.contract, target.cast);
  const { seed, sequences: numRuns } = options;
  const steps = new Map<string, number>();
  const count = (name: string) => {
    steps.set(name, (steps.get(name) ?? 0) + 1);
  };
  const commands = fc.commands(actions(count), { maxCommands: 30, size: "max" });
  const property = fc.asyncProperty(commands, async (sequence) => {
    const real = await newRun(target, judge);
    await fc.asyncModelRun(() => ({ model: { articles: [], headlines: 0 }, real }), sequence);
    await compareFresh(real);
  });
  const details = await fc.check(property, { seed, numRuns });
  const message = await fc.asyncDefaultReportMessage(details);
  return { report: message === undefined ? null : `${message}\n${String(details.errorInstance)}`, steps };
}

async function newRun({ url, contract, cast }: Target, judge: Judge): Promise<Real> {
  const anyone: Caller = { name: "anyone", scopes: new Set(), isBound: false };
  const ask: Real["ask"] = async (who, method, target, body, tag) => {
    const caller = who === "admin" ? cast.admin : anyone;
    const request: Request = {
      caller,
      method,
      target,
      headers: [
        ...(caller.key === undefined ? [] : [["Authorization", `Bearer ${caller.key}`] as [string, string]]),
        ...(body === undefined ? [] : [["Content-Type", "application/json"] as [string, string]]),
        ...(tag === undefined ? [] : [["If-Match", tag] as [string, string]]),
      ],
      body: body === undefined ? undefined : Buffer.from(JSON.stringify(body)),
    };
    const answer = await send(url, request);
    const operation = contract.operationAt(method, pathOf(request));
    const fault = judge({ request, operation, answer });
    if (fault !== undefined) throw new Error(`${method} ${target}: ${fault}`);
    return answer;
  };
  const name = `Model ${crypto.randomUUID()}`;
  const section = String(json(await ask("admin", "POST", "/v1/sections", { name })).slug);
  const { page } = json(await ask("anyone", "GET", "/v1/changes?since=now")) as { page: { next: string } };
  return { ask, section, mirror: new Map(), cursor: page.next, sequence: 0 };
}

/** What may be done, each to the nth of the articles there are. */
function actions(count: (name: string) => void): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] {
  type Act = (real: Real, article: Article, model: Model) => Promise<void>;

  const command = (name: string, act: Act, nth?: number): fc.AsyncCommand<Model, Real> => ({
    check: ({ articles }) => nth === undefined || articles.length > 0,
    async run(model, real) {
      const { articles } = model;
      const article = nth === undefined ? blank() : articles[nth % articles.length];
      if (article === undefined) return;
      await act(real, article, model);
      count(name);
      await compare(model, real, article);
    },
    toString: () => (nth === undefined ? name : `${name} of ${nth}`),
  });
  const on = (name: string, act: Act) => fc.nat(7).map((nth) => command(name, act, nth));
  const nextHeadline = (model: Model) => `Headline ${(model.headlines += 1)}`;

  const create = fc.constant(
    command("create", async ({ ask, section }, article, model) => {
      const headline = nextHeadline(model);
      const made = await ask("admin", "POST", "/v1/articles", { headline, section });
      expectStatus(made, 201);
      const { id } = json(made) as { id: string };
      model.articles.push(Object.assign(article, { id, headline }));
    }),
  );
  const publish = on("publish", async ({ ask }, article) => {
    const answer = await ask("admin", "POST", `${pathTo(article)}/publish`, {});
    if (refused(answer, article)) return;
    expectStatus(answer, 200);
    // What is live as it stands stays as it is.
    if (article.live !== undefined && !article.isEdited && article.planned === undefined) return;
    goLive(article, { headline: article.headline, isEdited: false });
  });

  return [
    // Without these there is little to do for the others.
    create,
    create,
    create,
    publish,
    publish,
    publish,
    on("patch", async ({ ask }, article, model) => {
      const headline = nextHeadline(model);
      const answer = await ask("admin", "PATCH", pathTo(article), { headline }, article.tag);
      if (refused(answer, article)) return;
      expectStatus(answer, 200);
      Object.assign(article, { headline, isEdited: article.version > 0 });
      if (article.planned !== undefined) article.planned.isEdited = true;
    }),
    on("patch a stale copy", async ({ ask }, article) => {
      if (article.staleTag === undefined) return;
      const answer = await ask("admin", "PATCH", pathTo(article), { headline: "Too late" }, article.staleTag);
      if (!refused(answer, article)) expectStatus(answer, 412);
    }),
    on("schedule", async ({ ask }, article) => {
      const at = new Date(Date.now() + 3_600_000).toISOString();
      const answer = await ask("admin", "POST", `${pathTo(article)}/publish`, { at });
      if (refused(answer, article)) return;
      expectStatus(answer, 200);
      plan(article);
    }),
    on("schedule and wait", async ({ ask }, article) => {
      const at = new Date(Date.now() + SOON).toISOString();
      const answer = await ask("admin", "POST", `${pathTo(article)}/publish`, { at });
      if (refused(answer, article)) return;
      // It may have come too late on a busy machine, and is refused then.
      if (answer.status === 422 && Date.now() > Date.parse(at)) return;
      expectStatus(answer, 200);
      plan(article);
      await sleep(SOON + 20);
      // Readers have it at its moment, whether or not the job has run.
      const { headline } = json(await ask("anyone", "GET", pathTo(article)));
      deepStrictEqual(headline, article.planned?.headline, "what readers have once its time has come");
      await until(CARRIED_OUT, async () => {
        const { scheduledFor } = json(await ask("admin", "GET", `${pathTo(article)}?version=draft`));
        deepStrictEqual(scheduledFor, null, "what was due is carried out");
      });
      if (article.planned !== undefined) goLive(article, article.planned);
    }),
    on("cancel", async ({ ask }, article) => {
      const answer = await ask("admin", "POST", `${pathTo(article)}/cancel`);
      if (refused(answer, article)) return;
      expectStatus(answer, article.planned === undefined ? 409 : 200);
      unplan(article);
    }),
    on("unpublish", async ({ ask }, article) => {
      const answer = await ask("admin", "POST", `${pathTo(article)}/unpublish`);
      if (refused(answer, article)) return;
      expectStatus(answer, article.live === undefined ? 409 : 200);
      if (article.live !== undefined) goAway(article);
    }),
    on("submit", async ({ ask }, article) => {
      const isAllowed = article.status === "draft" || article.status === "unpublished";
      const answer = await ask("admin", "POST", `${pathTo(article)}/submit`);
      if (refused(answer, article)) return;
      expectStatus(answer, isAllowed ? 200 : 409);
      if (isAllowed) article.status = "in_review";
    }),
    on("return", async ({ ask }, article) => {
      const isAllowed = article.status === "in_review";
      const answer = await ask("admin", "POST", `${pathTo(article)}/return`, { note: "Who says so?" });
      if (refused(answer, article)) return;
      expectStatus(answer, isAllowed ? 200 : 409);
      if (isAllowed) article.status = atRest(article);
    }),
    on("trash", async ({ ask }, article) => {
      const answer = await ask("admin", "DELETE", pathTo(article), undefined, "*");
      if (refused(answer, article)) return;
      expectStatus(answer, 204);
      if (article.live === undefined) unplan(article);
      else goAway(article);
      article.isInTrash = true;
    }),
    on("restore", async ({ ask }, article) => {
      const answer = await ask("admin", "POST", `${pathTo(article)}/restore`);
      expectStatus(answer, article.isInTrash ? 200 : 409);
      article.isInTrash = false;
    }),
    fc.tuple(fc.nat(7), fc.constantFrom("x", "whatsapp")).map(([nth, network]) =>
      command(
        `share on ${network}`,
        async ({ ask }, article) => {
          const answer = await ask("anyone", "POST", `${pathTo(article)}/shares`, { network });
          expectStatus(answer, article.live === undefined ? unseen(article) : 201);
          if (article.live === undefined) return;
          article.counts[network] = (article.counts[network] ?? 0) + 1;
          deepStrictEqual(json(answer).count, article.counts[network], "the count after a share");
        },
        nth,
      ),
    ),
  ];
}

function blank(): Article {
  return {
    id: "",
    headline: "",
    status: "draft",
    version: 0,
    live: undefined,
    wasLive: false,
    planned: undefined,
    isEdited: false,
    isInTrash: false,
    counts: {},
    staleTag: undefined,
    tag: "",
  };
}

const pathTo = ({ id }: Article) => `/v1/articles/${id}`;
/** The state of an article that nobody is at work on. */
const atRest = ({ version }: Article): Status => (version === 0 ? "draft" : "unpublished");
/** What readers are told of an article that is not live. */
const unseen = ({ wasLive }: Article) => (wasLive ? 410 : 404);

/** Whether it was refused for being in the trash, as it must be then. */
function refused(answer: Answered, { isInTrash }: Article): boolean {
  if (isInTrash) expectStatus(answer, 404);
  return isInTrash;
}

function expectStatus({ status, text }: Answered, expected: number): void {
  deepStrictEqual(status, expected, `${expected} was expected, not ${status}: ${text}`);
}

function goLive(article: Article, { headline, isEdited }: { headline: string; isEdited: boolean }): void {
  const version = article.version + 1;
  Object.assign(article, {
    version,
    live: headline,
    isEdited,
    wasLive: true,
    planned: undefined,
    status: "published",
  });
}

function goAway(article: Article): void {
  Object.assign(article, { live: undefined, planned: undefined, status: "unpublished" });
}

function plan(article: Article): void {
  article.planned = { headline: article.headline, isEdited: false };
  if (article.live === undefined) article.status = "scheduled";
}

function unplan(article: Article): void {
  if (article.planned === undefined) return;
  article.planned = undefined;
  if (article.live === undefined) article.status = atRest(article);
}

/** Holds the newsroom against the model: the article at hand, the lists, and a partner's copy. */
async function compare({ articles }: Model, real: Real, article: Article): Promise<void> {
  await compareDraft(real, article);
  await until(SHARES_SEEN, () => comparePublic(real, article));
  await compareLists(articles, real);
  await follow(articles, real);
}

async function compareDraft({ ask }: Real, article: Article): Promise<void> {
  const answer = await ask("admin", "GET", `${pathTo(article)}?version=draft`);
  expectStatus(answer, article.isInTrash ? 404 : 200);
  if (article.isInTrash) return;
  const { headline, status, version, hasUnpublishedChanges, scheduledFor, shareCounts } = json(answer);
  deepStrictEqual(
    { headline, status, version, hasUnpublishedChanges, isPlanned: scheduledFor !== null, shareCounts },
    {
      headline: article.headline,
      status: article.status,
      version: article.version,
      hasUnpublishedChanges: article.isEdited,
      isPlanned: article.planned !== undefined,
      shareCounts: article.counts,
    },
    "the working copy",
  );
  const tag = String(answer.headers.etag);
  const revisionOf = (one: string) => one.split("-")[0];
  if (revisionOf(tag) !== revisionOf(article.tag) && article.tag !== "") article.staleTag = article.tag;
  article.tag = tag;
}

async function comparePublic({ ask }: Real, article: Article): Promise<void> {
  const answer = await ask("anyone", "GET", pathTo(article));
  expectStatus(answer, article.live === undefined ? unseen(article) : 200);
  if (article.live === undefined) return;
  const { headline, status, version, shareCounts } = json(answer);
  const expected = {
    headline: article.live,
    status: "published",
    version: article.version,
    shareCounts: article.counts,
  };
  deepStrictEqual({ headline, status, version, shareCounts }, expected, "what readers get");
}

async function compareLists(articles: Article[], { ask, section }: Real): Promise<void> {
  interface List {
    data: { id: string; status: string; publishedAt: string }[];
    page: { total: number };
  }
  const listed = async (who: "anyone" | "admin", query: string) =>
    json(
      await ask(who, "GET", `/v1/articles?section=${section}&limit=100&count=true${query}`),
    ) as unknown as List;
  const idsOf = (some: { id: string }[]) => some.map(({ id }) => id).toSorted();
  const kept = articles.filter(({ isInTrash }) => !isInTrash);
  const live = articles.filter((one) => one.live !== undefined);

  const published = await listed("anyone", "");
  deepStrictEqual(idsOf(published.data), idsOf(live), "the list of what is published");
  deepStrictEqual(published.page.total, live.length, "its total");
  const times = published.data.map(({ publishedAt }) => publishedAt);
  deepStrictEqual(times, times.toSorted().toReversed(), "its order, the newest first");

  const drafts = await listed("admin", "&version=draft");
  deepStrictEqual(idsOf(drafts.data), idsOf(kept), "the list of working copies");
  deepStrictEqual(drafts.page.total, kept.length, "its total");
  const [{ status } = { status: "draft" }] = kept;
  const some = kept.filter((one) => one.status === status);
  const inState = await listed("admin", `&version=draft&status=${status}`);
  deepStrictEqual(idsOf(inState.data), idsOf(some), `the list of those that are ${status}`);

  const trash = json(await ask("admin", "GET", "/v1/trash?limit=100")) as unknown as List;
  const own = new Set(articles.map(({ id }) => id));
  const away = articles.filter(({ isInTrash }) => isInTrash);
  deepStrictEqual(idsOf(trash.data.filter(({ id }) => own.has(id))), idsOf(away), "the trash");
}

interface Change {
  sequence: number | null;
  kind: string;
  articleId: string;
  article: { headline: string } | null;
}

/** Reads the change feed from a cursor to its end, and does to a copy what it says. */
async function apply({ ask }: Real, mirror: Map<string, string>, from: string, own?: ReadonlySet<string>) {
  let [cursor, last] = [from, 0];
  for (;;) {
    const answer = await ask("anyone", "GET", `/v1/changes?since=${cursor}&limit=100&fields=headline`);
    const { data, page } = json(answer) as unknown as { data: Change[]; page: { next: string } };
    for (const { sequence, kind, articleId, article } of data) {
      if (sequence !== null && sequence <= last) throw new Error(`change ${sequence} comes after ${last}`);
      last = sequence ?? last;
      if (own !== undefined && !own.has(articleId)) continue;
      if (["unpublished", "deleted", "withdrawn"].includes(kind)) mirror.delete(articleId);
      else if (article !== null) mirror.set(articleId, article.headline);
    }
    if (page.next === cursor) return { cursor, last };
    cursor = page.next;
  }
}

/** Brings the partner's copy up to date and compares it with what is live. */
async function follow(articles: Article[], real: Real): Promise<void> {
  const { cursor, last } = await apply(real, real.mirror, real.cursor, new Set(articles.map(({ id }) => id)));
  if (last !== 0 && last <= real.sequence) throw new Error(`change ${last} comes after ${real.sequence}`);
  Object.assign(real, { cursor, sequence: Math.max(last, real.sequence) });
  const live = articles.flatMap((one): [string, string][] =>
    one.live === undefined ? [] : [[one.id, one.live]],
  );
  deepStrictEqual(sorted(real.mirror), sorted(live), "a mirror kept from the change feed");
}

/** A copy that is begun at the end has the same as the one that was kept. */
async function compareFresh(real: Real): Promise<void> {
  const own = new Set(real.mirror.keys());
  const fresh = new Map<string, string>();
  await apply(real, fresh, "start", own);
  deepStrictEqual(sorted(fresh), sorted(real.mirror), "a mirror from the start");
}

function sorted(entries: Iterable<[string, string]>): [string, string][] {
  return [...entries].toSorted(([one], [other]) => (one < other ? -1 : 1));
}

/** Tries again until something holds, for so many milliseconds at the most. */
async function until(ms: number, holds: () => Promise<void>): Promise<void> {
  for (const deadline = Date.now() + ms; ;) {
    try {
      await holds();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(20);
  }
}
