import type { IncomingMessage } from "node:http";
import type { FastifyRequest } from "fastify";
import { Gauge } from "prom-client";
import { isWithin } from "../access/authenticate.ts";
import type { Newsroom } from "../newsroom.ts";
import type { App } from "./app.ts";
import { type Problem, problem } from "./problems.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** Gives back its place among those that work on the database, if it has one. */
    leave: (() => void) | null;
  }
}

/** How long a request waits for a place while none is given back, in milliseconds, and how long at the most. */
const PATIENCE = 900;
const LONGEST = 3_000;
/** How many may wait, for each place. */
const WAITERS = 10;

/** What lets no more requests work on the database at once than it has connections for. */
export interface Places {
  /**
   * Waits for a place.
   *
   * @param hadOne whether it has had one before and comes back: then it goes before those who have not
   * @param come is called with what gives the place back, to be called once, however often it is; or with the
   *   503 when too many wait already, or for too long
   */
  take: (hadOne: boolean, come: Come) => void;
  /** Whether whoever came now would be refused. */
  isFull: () => boolean;
  /** How many have a place, and how many wait. */
  figures: () => { taken: number; waiting: number };
}

type Come = (error: Error | undefined, giveBack?: () => void) => void;

interface Waiter {
  come: () => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Places are given in the order in which they were asked for. The queue is as short as what is worth
 * waiting for: of a longer one the end would be refused in any case, having cost the more.
 */
function places(count: number): Places {
  const queue = new Set<Waiter>();
  const returning = new Set<Waiter>();
  let taken = 0;
  let movedAt = 0;
  const isFull = () => taken >= count && queue.size >= count * WAITERS;

  const giveBack = () => {
    movedAt = performance.now();
    const [next] = returning.size > 0 ? returning : queue;
    if (next === undefined) {
      taken -= 1;
      return;
    }
    for (const one of [returning, queue]) one.delete(next);
    clearTimeout(next.timer);
    next.come();
  };
  const place = () => {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      giveBack();
    };
  };

  const wait = (line: Set<Waiter>, come: Come) => {
    const since = performance.now();
    const waiter: Waiter = {
      come: () => {
        come(undefined, place());
      },
      timer: undefined,
    };
    const look = () => {
      const now = performance.now();
      const left = Math.min(Math.max(movedAt, since) + PATIENCE, since + LONGEST) - now;
      if (left > 0) waiter.timer = setTimeout(look, left);
      else {
        line.delete(waiter);
        come(overloaded());
      }
    };
    line.add(waiter);
    look();
  };

  return {
    take(hadOne, come) {
      if (taken < count) {
        taken += 1;
        come(undefined, place());
      } else if (!hadOne && isFull()) come(overloaded());
      else wait(hadOne ? returning : queue, come);
    },
    isFull,
    figures: () => ({ taken, waiting: queue.size + returning.size }),
  };
}

/** Places for all who work on the database: as many as there are connections to it. */
export function placesFor({ config, metrics }: Newsroom): Places {
  const all = places(config.DATABASE_POOL);
  for (const name of ["taken", "waiting"] as const) {
    const gauge = new Gauge({
      name: `dateline_places_${name}`,
      help: `Places of requests that work on the database: ${name}`,
      registers: [metrics],
      collect: () => {
        gauge.set(all.figures()[name]);
      },
    });
  }
  return all;
}

/**
 * Has requests that will work on the database wait for a place, from before their key is looked up until their
 * answer is ready; to be called before what else looks at requests. While a body arrives they give it back, so
 * that a slow client holds none. What anyone may read comes from memory, or is read by one statement for all
 * who ask, and needs none; neither do requests within others.
 */
export function holdPlaces(app: App, all: Places): void {
  type Done = (error?: Error) => void;
  app.decorateRequest("leave", null);
  const enter = (request: FastifyRequest, hadOne: boolean, done: Done) => {
    const { raw, routeOptions, leave } = request;
    if (leave !== null || routeOptions.config.needsPlace === false || !worksOnDatabase(raw) || isWithin()) {
      done();
      return;
    }
    all.take(hadOne, (error, giveBack) => {
      request.leave = giveBack ?? null;
      done(error);
    });
  };
  const leave = (request: FastifyRequest, done: Done) => {
    request.leave?.();
    request.leave = null;
    done();
  };
  app.addHook("onRequest", (request, _reply, done) => {
    enter(request, false, done);
  });
  app.addHook("preParsing", (request, _reply, _payload, done) => {
    const { "content-length": length = "0", "transfer-encoding": coding } = request.headers;
    if (length !== "0" || coding !== undefined) leave(request, done);
    else done();
  });
  app.addHook("preHandler", (request, _reply, done) => {
    enter(request, true, done);
  });
  app.addHook("onSend", (request, _reply, _payload, done) => {
    leave(request, done);
  });
  // What is sent by other ways, or to nobody any more.
  app.addHook("onResponse", (request, _reply, done) => {
    leave(request, done);
  });
}

/** Whether a request comes with a key, which is looked up, or changes something. */
export function worksOnDatabase({ method, headers }: IncomingMessage): boolean {
  return headers.authorization !== undefined || (method !== "GET" && method !== "HEAD");
}

/** The problem of those for whom there is no place. */
export function overloaded(): Problem {
  return problem("unavailable", "More is asked of Dateline than it can do. Try again a little later.", {
    headers: { "retry-after": "1" },
  });
}
