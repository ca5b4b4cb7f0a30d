import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { Gauge, Histogram } from "prom-client";
import type { Newsroom } from "../newsroom.ts";
import { type Position, writePosition } from "./position.ts";
import { changeJson } from "./present.ts";
import { type ChangePage, type FoundChange, articlesIn, readChanges } from "./read.ts";

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
  /** Whose usage it is, if a key's. */
  keyId: string | undefined;
}

interface Stream extends StreamRequest {
  response: ServerResponse;
}

export interface Streams {
  /** Sends the changes that follow on a place, and those to come, until the reader leaves or is too slow. */
  open: (response: ServerResponse, asked: StreamRequest) => void;
  /** Ends all. */
  stop: () => void;
}

/**
 * The open streams of a process. Each catches up by itself from its place, at its reader's pace. Once
 * it has all that there is it joins the others: of what comes then each change is read once, and made
 * into bytes once for each choice of fields.
 *
 * Nothing is lost in joining: `present` is how far those who have joined are told, or about to be, and
 * only who knows that much joins. Who knows more already is not told again.
 */
export function changeStreams(newsroom: Newsroom): Streams {
  const streams = new Set<Stream>();
  const joined = new Set<Stream>();
  const { lag } = measured(newsroom, streams);
  const bytesOf = eventBytes(newsroom);
  const readOnce = sharing((position: Position) => readChanges(newsroom, position, BATCH.catchingUp));
  let present = 0n;
  let isFollowing = false;
  let hasNews = false;
  let stopped = false;

  /** @returns whether its reader takes more at once */
  const tell = (stream: Stream, change: FoundChange): boolean => {
    const { position, fields, keyId } = stream;
    const bytes = bytesOf(change, fields);
    stream.position = change.position;
    if (keyId !== undefined) {
      const articles = fields?.length === 0 ? 0 : articlesIn([change]);
      newsroom.usage.count(keyId, { bytes: bytes.length, articles });
      newsroom.usage.gave(keyId, "stream", position, change.position);
    }
    return stream.response.write(bytes);
  };

  const tellAll = (change: FoundChange) => {
    const number = change.position.sequence;
    for (const stream of joined) {
      if (stream.position.sequence >= number) continue;
      if (stream.response.writableLength > MOST_WAITING) stream.response.destroy();
      else tell(stream, change);
    }
    lag.observe((Date.now() - change.recordedAt.getTime()) / 1000);
  };

  /** Reads what is new and tells it, one round after the other. */
  const follow = async (): Promise<void> => {
    hasNews = true;
    if (isFollowing) return;
    isFollowing = true;
    while (hasNews && joined.size > 0) {
      hasNews = false;
      const page = await readChanges(newsroom, { sequence: present }, BATCH.live).catch(() => undefined);
      if (page === undefined) {
        // The database is away; what was written meanwhile is still there when it is back.
        await sleep(RETRY / 4, undefined, { ref: false });
        hasNews = true;
        continue;
      }
      if (page.next.sequence > present) present = page.next.sequence;
      for (const change of page.changes) {
        tellAll(change);
        // What was written goes out in between, so that only a slow reader has much waiting.
        await turn();
      }
      hasNews ||= page.hasMore;
    }
    isFollowing = false;
  };

  const join = (stream: Stream): boolean => {
    const { sequence, after } = stream.position;
    if (after !== undefined || sequence < present) return false;
    const isFirst = joined.size === 0;
    // The others may not have been told yet what this one knows already.
    if (isFirst) present = sequence;
    joined.add(stream);
    // Of what came while nobody had joined nobody has been told.
    if (isFirst) void follow();
    return true;
  };

  const catchUp = async (stream: Stream): Promise<void> => {
    const { response } = stream;
    for (;;) {
      const page = await readOnce(stream.position);
      for (const change of page.changes) {
        if (!streams.has(stream)) return;
        if (!tell(stream, change)) await drained(response);
      }
      stream.position = page.next;
      if (!streams.has(stream) || (!page.hasMore && join(stream))) return;
    }
  };

  const beating = setInterval(() => {
    for (const { response } of streams) {
      if (response.writableLength > MOST_WAITING) response.destroy();
      else response.write(":\n\n");
    }
  }, HEARTBEAT);
  const unfollow = newsroom.news.follow(() => void follow());

  return {
    open(response, asked) {
      const stream = { ...asked, response };
      streams.add(stream);
      // What is written while a reader leaves goes nowhere.
      response.on("error", () => {});
      response.once("close", () => {
        streams.delete(stream);
        joined.delete(stream);
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
  return (change: FoundChange, fields: readonly string[] | undefined): Buffer => {
    const variant = JSON.stringify(fields) ?? "";
    const variants = made.get(change) ?? new Map<string, Buffer>();
    made.set(change, variants);
    const known = variants.get(variant);
    if (known !== undefined) return known;
    const id = writePosition(cursors, change.position);
    const event = `id: ${id}\nevent: ${change.kind}\ndata: ${changeJson(change, id, fields)}\n\n`;
    const bytes = Buffer.from(event);
    variants.set(variant, bytes);
    return bytes;
  };
}

/** Has those who ask for the same at the same time share what is found. */
function sharing(read: (position: Position) => Promise<ChangePage>) {
  const reading = new Map<string, Promise<ChangePage>>();
  return (position: Position): Promise<ChangePage> => {
    const key = `${position.sequence} ${position.after ?? ""}`;
    const known = reading.get(key);
    if (known !== undefined) return known;
    const found = read(position).finally(() => reading.delete(key));
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
