import type { OutgoingHttpHeaders } from "node:http";
import { type Audience, audienceOf } from "../access/audience.ts";
import { type Caller, marksNow } from "../access/keys.ts";
import type { CachedList } from "../editions/cache.ts";
import type { App } from "../http/app.ts";
import { sendBytes, sendable } from "../http/bytes.ts";
import { VARY, publicCaching } from "../http/caching.ts";
import { nextLink } from "../http/paging.ts";
import { renameHeaders } from "../http/rateLimit.ts";
import type { Newsroom } from "../newsroom.ts";
import { type Position, expired, readPosition, writePosition } from "./position.ts";
import { changeJson } from "./present.ts";
import { articlesIn, presentPosition, readChanges, startPosition } from "./read.ts";
import { room } from "./room.ts";
import { ChangeList, ChangeQuery, EventStream, StreamHeaders, StreamQuery } from "./schema.ts";
import { changeStreams } from "./streams.ts";
import { waiting } from "./waiting.ts";

/** What changed for readers, for those who keep a copy of it. */
export function changeRoutes(app: App, newsroom: Newsroom): void {
  feedRoute(app, newsroom);
  streamRoute(app, newsroom);
}

/** How soon a planned change is near, in milliseconds: within what memory and then a cache keep a page. */
const NEAR = 2_000;

function feedRoute(app: App, newsroom: Newsroom): void {
  const { cursors, live, usage, news } = newsroom;
  const isNewsNear = () => (news.agenda.next() ?? Infinity) - Date.now() < NEAR;
  const waiters = waiting(newsroom.news);
  /** Where pages lead to, and whether that is worth telling at once. */
  const ends = new WeakMap<CachedList, { next: Position; leadsOn: boolean }>();
  app.addHook("preClose", async () => {
    waiters.stop();
  });

  app.get(
    "/changes",
    {
      schema: {
        operationId: "listChanges",
        summary: "Follow what changes for readers",
        description:
          "In the order in which it was committed, nothing left out: whoever applies the changes one after the other to what `since=start` gave has what readers get. " +
          "Ask again with `page.next`; with `wait` the answer comes as soon as there is a change.",
        tags: ["Changes"],
        querystring: ChangeQuery,
        response: { 200: ChangeList },
      },
      config: { cached: true, delivers: "json", needsPlace: false, problems: ["cursor-expired"] },
    },
    async (request, reply) => {
      const { since, limit, fields, wait } = request.query;
      const { caller } = request;
      const told = audienceOf(request);
      const position = await positionOf(newsroom, since ?? "start", told);
      const address = addressOf({
        since: writePosition(cursors, position, told),
        limit: String(limit),
        fields: fields?.join(","),
        wait: wait === 0 ? undefined : String(wait),
      });
      // Who asks by a cursor, and not to wait, is answered directly where a page is kept by its own address.
      const key = isCursor(since) && wait === 0 ? request.url : `as ${address}`;
      const make = async (): Promise<CachedList> => {
        const { changes, next, hasMore } = await readChanges(newsroom, position, limit, told);
        const page = { limit, next: writePosition(cursors, next, told) };
        const data = changes
          .map((change) => changeJson(change, writePosition(cursors, change.position, told), fields))
          .join(",");
        const json = `{"data":[${data}],"page":${JSON.stringify(page)}}`;
        const articles = fields?.length === 0 ? 0 : articlesIn(changes);
        const made = {
          ...sendable(json),
          groups: ["changes"],
          articles,
          // A cache that kept it for longer would keep a partner from what is new, and show what was taken back.
          headers: {
            vary: VARY,
            "cache-control": `public, max-age=${isNewsNear() ? 0 : 1}`,
            ...nextLink(address, page.next, "since"),
          },
          isPurged: false,
        };
        ends.set(made, { next, leadsOn: changes.length > 0 || hasMore || position.after !== undefined });
        return made;
      };
      const read = async () => {
        if (wait > 0 && caller !== null) await requireSame(newsroom, caller);
        return told.mark === null ? live.list(key, make) : make();
      };
      const leadsOn = (page: CachedList) => ends.get(page)?.leadsOn ?? true;
      const found = await waiters.until(read, leadsOn, wait * 1000, reply.raw);
      request.articlesGiven = found.articles;
      if (caller !== null) {
        if (isCursor(since)) usage.cameBack(caller.id, position);
        usage.gave({ id: caller.id, mark: told.mark }, "feed", position, ends.get(found)?.next ?? position);
      }
      const headers = publicCaching(request, newsroom, found.groups, undefined, found.knownAt);
      const isForAll = caller === null && wait === 0;
      return sendBytes(request, reply, found, {
        ...headers,
        ...found.headers,
        ...(!isForAll && { "cache-control": "private, no-store" }),
      });
    },
  );
}

function streamRoute(app: App, newsroom: Newsroom): void {
  const streams = changeStreams(newsroom);
  const places = room(newsroom.config);
  app.addHook("preClose", async () => {
    streams.stop();
  });

  app.get(
    "/changes/stream",
    {
      schema: {
        operationId: "streamChanges",
        summary: "Be told what changes for readers",
        description:
          "Server-sent events, as `EventSource` reads them. Of each change `event` is the kind, `data` the same JSON as in `listChanges` (`Change`) and `id` the cursor, with which the change feed goes on as well. " +
          "Who comes back with `Last-Event-ID` misses nothing. A comment every 15 seconds shows that the stream lives; who reads too slowly is disconnected. How many may be open at once, in all and of one key, are settings of the server: beyond them it is 503 or 429.",
        tags: ["Changes"],
        querystring: StreamQuery,
        headers: StreamHeaders,
        response: { 200: EventStream },
      },
      config: {
        produces: ["text/event-stream"],
        delivers: "json",
        needsPlace: false,
        problems: ["cursor-expired"],
      },
      exposeHeadRoute: false,
    },
    async (request, reply) => {
      const { since = "now", fields } = request.query;
      const last = request.headers["last-event-id"] ?? "";
      const told = audienceOf(request);
      const position = await (last === ""
        ? positionOf(newsroom, since, told)
        : readPosition(newsroom.cursors, last, "Last-Event-ID", told));
      // What is expired is told as long as it can be.
      await readChanges(newsroom, position, 0, told);
      places.take(request, reply.raw);
      reply.headers({
        "content-type": "text/event-stream",
        "cache-control": "private, no-store",
        "x-accel-buffering": "no",
        connection: "close",
      });
      renameHeaders(reply);
      reply.hijack();
      // The connection's end is the stream's (RFC 9112, section 6.3): frames around each event would take three writes more.
      reply.raw.removeHeader("transfer-encoding");
      reply.raw.writeHead(200, reply.getHeaders() as OutgoingHttpHeaders);
      const keyId = request.caller?.id;
      if (keyId !== undefined) {
        newsroom.usage.count(keyId, { requests: 1 });
        if (last !== "" || isCursor(since)) newsroom.usage.cameBack(keyId, position);
      }
      streams.open(reply.raw, { position, fields, told, keyId });
    },
  );
}

/** The address of a page. */
function addressOf(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return `/v1/changes?${new URLSearchParams(given).toString()}`;
}

/** Whether who asks has been here before: then it has what leads to the cursor. */
function isCursor(since = "start"): boolean {
  return since !== "start" && since !== "now";
}

/**
 * The place that a request starts from.
 *
 * @throws 400 when the cursor is none of ours; 410 when it was made for another entitlement
 */
async function positionOf(newsroom: Newsroom, since: string, audience: Audience): Promise<Position> {
  if (since === "start") return startPosition(newsroom);
  if (since === "now") return presentPosition(newsroom);
  return readPosition(newsroom.cursors, since, "since", audience);
}

/**
 * Holds a key that waited for an answer against what it may do now.
 *
 * @throws 410 when its entitlement was changed, or it is not good any more, of which it is told when it
 *   asks again
 */
async function requireSame({ statements }: Newsroom, { id, audience }: Caller): Promise<void> {
  const marks = await marksNow(statements, [id]);
  if (marks.get(id) !== audience.mark) throw expired("The entitlement was changed meanwhile.");
}
