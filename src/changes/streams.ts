import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { Gauge, Histogram } from "prom-client";
import { marksNow } from "../access/keys.ts";
import type { Newsroom } from "../newsroom.ts";
import { type Position, writePosition } from "./position.ts";
import { changeJson } from "./present.ts";
import { type ChangePage, type FoundChange, articlesIn, readChanges } from "./read.ts";
import type { Told } from "./told.ts";

/** How often an open stream says that it lives, in milliseconds. */
const HEARTBEAT = 15_000;
/** How long a client waits before it connects again, in milliseconds. */
const RETRY = 2_000;
/** How many bytes may wait for a reader, beyond what the system takes; who is slower is dropped. */
const MOST_WAITING = 1_048_576;
/** How long a reader who catches up may take to make room for the next change, in milliseconds. */
const PATIENCE = 20_000;
/** How many changes are read at once: few for each of those who catch up, since each holds its own. */
const BATCH = { live: 100, catchingUp: 10 };
/** How long readers may take for the last bytes when the server stops, in milliseconds. */
const FAREWELL = 1_000;

/** What a stream is asked for. */
export interface StreamRequest {
  position: Position;
  fields: readonly string[] | undefined;
  /** Whom it is for. */
  told: Told;
  /** Whose usage it is, if a key's. */
  keyId: string | undefined;
}

interface Stream extends Omit<StreamRequest, "told"> {
  response: ServerResponse;
  audience: Audience;
}

/** Those who are told the same. */
interface Audience {
  told: Told;
  readers: number;
  /** Those of them who have all that there is. */
  joined: Set<Stream>;
  /** How far those are told, or about to be. */
  present: bigint;
  isFollowing: boolean;
  hasNews: boolean;
}

export interface Streams {
  /** Sends the changes that follow on a place, and those to come, until the reader leaves or is too slow. */
  open: (response: ServerResponse, asked: StreamRequest) => void;
  /** Ends all. */
  stop: () => void;
}

/**
 * The open streams of a process. Each catches up by itself from its place, at its reader's pace. Once
 * it has all that there is it joins the others of its audience: of what comes then each change is read
 * once for them, and made into bytes once for each choice of fields. Whoever has no entitlement is of
 * one audience.
 *
 * Nothing is lost in joining: `present` is how far those who have joined are told, or about to be, and
 * only who knows that much joins. Who knows more already is not told again.
 *
 * What a key is entitled to is looked at again before anything is told by it: its stream ends when that
 * was changed, or the key is not good any more, and its reader comes back to be told why.
 */
export function changeStreams(newsroom: Newsroom): Streams {
  const streams = new Set<Stream>();
  const audiences = new Map<string, Audience>();
  const { lag } = measured(newsroom, streams);
  const bytesOf = eventBytes(newsroom);
  const readOnce = sharing((position, told) => readChanges(newsroom, position, BATCH.catchingUp, told));
  let stopped = false;

  const audienceOf = (told: Told): Audience => {
    const name = told.mark ?? "";
    const known = audiences.get(name);
    if (known !== undefined) return known;
    const audience = {
      told,
      readers: 0,
      joined: new Set<Stream>(),
      present: 0n,
      isFollowing: false,
      hasNews: false,
    };
    audiences.set(name, audience);
    return audience;
  };

  /** Ends those of some streams whose keys are good no more, or entitled to something else. */
  const dismiss = async (some: Iterable<Stream>) => {
    const keyed = [...some].filter(({ keyId }) => keyId !== undefined);
    const marks = await marksNow(newsroom.statements, [...new Set(keyed.map(({ keyId = "" }) => keyId))]);
    for (const { keyId = "", audience, response } of keyed)
      if (marks.get(keyId) !== audience.told.mark) response.end();
  };

  /** @returns whether its reader takes more at once */
  const tell = (stream: Stream, change: FoundChange): boolean => {
    const { position, fields, keyId, audience, response } = stream;
    if (response.writableEnded) return true;
    const bytes = bytesOf(change, fields, audience.told);
    stream.position = change.position;
    if (keyId !== undefined) {
      const articles = fields?.length === 0 ? 0 : articlesIn([change]);
      newsroom.usage.count(keyId, { bytes: bytes.length, articles });
      newsroom.usage.gave({ id: keyId, mark: audience.told.mark }, "stream", position, change.position);
    }
    return response.write(bytes);
  };

  /** A stream has all that its audience is told up to a place. */
  const passOver = (stream: Stream, position: Position) => {
    if (position.sequence < stream.position.sequence) return;
    const { keyId, audience } = stream;
    if (keyId !== undefined)
      newsroom.usage.gave({ id: keyId, mark: audience.told.mark }, "stream", stream.position, position);
    stream.position = position;
  };

  const tellAll = ({ joined }: Audience, change: FoundChange) => {
    const number = change.position.sequence;
    for (const stream of joined) {
      if (stream.position.sequence >= number) continue;
      if (stream.response.writableLength > MOST_WAITING) stream.response.destroy();
      else tell(stream, change);
    }
    lag.observe((Date.now() - change.recordedAt.getTime()) / 1000);
  };

  /** Reads what is new for an audience and tells it, one round after the other. */
  const follow = async (audience: Audience): Promise<void> => {
    audience.hasNews = true;
    if (audience.isFollowing) return;
    audience.isFollowing = true;
    while (audience.hasNews && audience.joined.size > 0) {
      audience.hasNews = false;
      const read = async () => {
        const page = await readChanges(newsroom, { sequence: audience.present }, BATCH.live, audience.told);
        if (page.changes.length > 0) await dismiss(audience.joined);
        return page;
      };
      const page = await read().catch(() => undefined);
      if (page === undefined) {
        // The database is away; what was written meanwhile is still there when it is back.
        await sleep(RETRY / 4, undefined, { ref: false });
        audience.hasNews = true;
        continue;
      }
      if (page.next.sequence > audience.present) audience.present = page.next.sequence;
      for (const change of page.changes) {
        tellAll(audience, change);
        // What was written goes out in between, so that only a slow reader has much waiting.
        await turn();
      }
      for (const stream of audience.told.entitlement === null ? [] : audience.joined)
        passOver(stream, page.next);
      audience.hasNews ||= page.hasMore;
    }
    audience.isFollowing = false;
  };

  const join = (stream: Stream): boolean => {
    const { sequence, after } = stream.position;
    const { audience } = stream;
    if (after !== undefined || sequence < audience.present) return false;
    const isFirst = audience.joined.size === 0;
    // The others may not have been told yet what this one knows already.
    if (isFirst) audience.present = sequence;
    audience.joined.add(stream);
    // Of what came while nobody had joined nobody has been told.
    if (isFirst) void follow(audience);
    return true;
  };

  const catchUp = async (stream: Stream): Promise<void> => {
    const { response, audience } = stream;
    for (;;) {
      const page = await readOnce(stream.position, audience.told);
      await dismiss([stream]);
      for (const change of page.changes) {
        if (!streams.has(stream)) return;
        if (!tell(stream, change)) await drained(response);
      }
      passOver(stream, page.next);
      if (!streams.has(stream) || (!page.hasMore && join(stream))) return;
    }
  };

  const beating = setInterval(() => {
    for (const { response } of streams) {
      if (response.writableLength > MOST_WAITING) response.destroy();
      else if (!response.writableEnded) response.write(":\n\n");
    }
    // While the database is away nobody is told anything either.
    dismiss(streams).catch(() => {});
  }, HEARTBEAT);
  const unfollow = newsroom.news.follow(() => {
    for (const audience of audiences.values()) void follow(audience);
  });

  return {
    open(response, { told, ...asked }) {
      const audience = audienceOf(told);
      const stream = { ...asked, response, audience };
      streams.add(stream);
      audience.readers += 1;
      // What is written while a reader leaves goes nowhere.
      response.on("error", () => {});
      response.once("close", () => {
        streams.delete(stream);
        audience.joined.delete(stream);
        audience.readers -= 1;
        if (audience.readers === 0) audiences.delete(told.mark ?? "");
      });
      response.write(`retry: ${RETRY}\n\n`);
      if (stopped) response.end();
      // The reader comes back with the last id, to a database that answers, or to a 410.
      else catchUp(stream).catch(() => response.destroy());
    },
    stop() {
      stopped = true;
      clearInterval(beating);
      unfollow();
      for (const { response } of streams) {
        response.end();
        setTimeout(() => response.destroy(), FAREWELL).unref();
      }
    },
  };
}

/**
 * Waits until a reader has taken what was written.
 *
 * @throws when it takes too long, or leaves
 */
async function drained(response: ServerResponse): Promise<void> {
  await once(response, "drain", { signal: AbortSignal.timeout(PATIENCE) });
}

/** A change as a server-sent event (WHATWG HTML, section 9.2.6), made once for each choice of fields. */
function eventBytes({ cursors }: Newsroom) {
  const made = new WeakMap<FoundChange, Map<string, Buffer>>();
  return (change: FoundChange, fields: readonly string[] | undefined, told: Told): Buffer => {
    const variant = JSON.stringify(fields) ?? "";
    const variants = made.get(change) ?? new Map<string, Buffer>();
    made.set(change, variants);
    const known = variants.get(variant);
    if (known !== undefined) return known;
    const id = writePosition(cursors, change.position, told);
    const event = `id: ${id}\nevent: ${change.kind}\ndata: ${changeJson(change, id, fields)}\n\n`;
    const bytes = Buffer.from(event);
    variants.set(variant, bytes);
    return bytes;
  };
}

/** Has those who ask for the same at the same time share what is found. */
function sharing(read: (position: Position, told: Told) => Promise<ChangePage>) {
  const reading = new Map<string, Promise<ChangePage>>();
  return (position: Position, told: Told): Promise<ChangePage> => {
    const key = `${position.sequence} ${position.after ?? ""} ${told.mark ?? ""}`;
    const known = reading.get(key);
    if (known !== undefined) return known;
    const found = read(position, told).finally(() => reading.delete(key));
    reading.set(key, found);
    return found;
  };
}

function measured({ metrics }: Newsroom, streams: ReadonlySet<Stream>) {
  const open = new Gauge({
    name: "dateline_change_streams",
    help: "How many streams of changes are open",
    registers: [metrics],
    collect: () => {
      open.set(streams.size);
    },
  });
  const lag = new Histogram({
    name: "dateline_change_lag_seconds",
    help: "How long after it was written down a change was sent to the open streams",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [metrics],
  });
  return { lag };
}
