import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import { type BirpcReturn, createBirpc } from "birpc";
import { logAlone } from "../http/logging.ts";
import type { Newsroom } from "../newsroom.ts";
import type { Farewell, Serving } from "../serve.ts";
import { type Figures, type OfPrimary, type OfWorker, PATIENCE } from "./calls.ts";
import { gather } from "./figures.ts";
import { counter } from "./together.ts";

/** A worker that lived so long is replaced at once, in milliseconds; others after a pause that doubles. */
const SETTLED = 10_000;
const PAUSE = { least: 100, most: 10_000 };
/** How long before the deadline workers that have not finished are killed, in milliseconds, so that the primary can go on. */
const MARGIN = 1_000;
/** How long a worker that is relieved goes on to serve, for those who keep their connections to go over to the others, in milliseconds. */
const RELIEF = 5_000;

/** A worker as the primary sees it. */
export interface Colleague {
  process: Worker["process"];
  calls: BirpcReturn<OfWorker, OfPrimary>;
  /** Its address, once it serves. */
  ready: Promise<string>;
  serves: boolean;
  /** Whether another has taken its place. */
  isRelieved: boolean;
  /** What it had measured when it was last asked. */
  figures: Figures;
  /** How it ended: a signal or a code. */
  ended: Promise<string>;
}

/**
 * Serves by DATELINE_WORKERS processes behind one port, and replaces each that ends.
 *
 * Connections are handed out in turn by the primary, which holds the port: left to the system, most
 * of them go to few of the processes (Node's documentation of cluster), where those that proxies
 * keep alive would stay.
 *
 * @throws when a worker ends before all serve; it has printed why
 */
export async function startWorkers(newsroom: Newsroom, databaseUrl: string): Promise<Serving> {
  const { config } = newsroom;
  const log = logAlone(config);
  const alive = new Set<Colleague>();
  const count = counter();
  const { figures, keepFigures } = gather(alive);
  let stopping = false;
  cluster.schedulingPolicy = cluster.SCHED_RR;

  const fork = (): Colleague => {
    const worker = cluster.fork({ DATABASE_URL: databaseUrl });
    const ready = Promise.withResolvers<string>();
    const calls = createBirpc<OfWorker, OfPrimary>(
      {
        count,
        figures,
        ready: (address) => {
          colleague.serves = true;
          ready.resolve(address);
        },
      },
      {
        post: (message: object) => {
          if (worker.isConnected()) worker.send(message);
        },
        on: (hear) => worker.on("message", hear),
        timeout: PATIENCE.ofWorkers,
      },
    );
    const cutOff = followHandovers(worker);
    const ended = endOf(worker).then((how) => {
      cutOff();
      alive.delete(colleague);
      keepFigures(colleague);
      calls.$close();
      return how;
    });
    const colleague: Colleague = {
      process: worker.process,
      calls,
      ready: ready.promise,
      serves: false,
      isRelieved: false,
      figures: [],
      ended,
    };
    alive.add(colleague);
    return colleague;
  };

  const forkReady = async () => {
    const colleague = fork();
    const tooEarly = colleague.ended.then((how) => {
      throw new Error(`A worker ended with ${how} before it could serve.`);
    });
    return { colleague, address: await Promise.race([colleague.ready, tooEarly]) };
  };

  const replace = async (first: Colleague) => {
    let pause = 0;
    for (let colleague = first; ; colleague = fork()) {
      const since = performance.now();
      const how = await colleague.ended;
      if (stopping || colleague.isRelieved) return;
      const settled = performance.now() - since > SETTLED;
      pause = settled ? 0 : Math.min(PAUSE.most, Math.max(PAUSE.least, 2 * pause));
      log.error(`worker ${colleague.process.pid} ended with ${how} and is replaced in ${pause} ms`);
      await sleep(pause);
      if (stopping) return;
    }
  };

  /** Has a worker end. One that has not finished in time is killed. */
  const dismiss = async ({ calls, process, serves, ended }: Colleague, farewell: Farewell) => {
    const late = setTimeout(
      () => {
        process.kill("SIGKILL");
      },
      config.DATELINE_STOP_DEADLINE * 1000 - MARGIN,
    );
    if (serves) void calls.stop.asEvent(farewell);
    // One that is starting does not hear yet, and has nothing to finish.
    else process.kill("SIGKILL");
    const how = await ended;
    clearTimeout(late);
    return !serves || how === "the code 0";
  };

  // The first shows whether workers can start at all, so that the reason is not printed by each.
  const first = await forkReady();
  const others = await Promise.all(Array.from({ length: config.DATELINE_WORKERS - 1 }, forkReady));
  for (const { colleague } of [first, ...others]) void replace(colleague);

  return {
    address: first.address,
    log,
    async stop(farewell) {
      stopping = true;
      const finished = await Promise.all([...alive].map((colleague) => dismiss(colleague, farewell)));
      await newsroom.database.$disconnect();
      const cutShort = finished.filter((isFinished) => !isFinished).length;
      if (cutShort > 0)
        throw new Error(`${cutShort} of ${finished.length} workers did not finish what they had begun.`);
    },
    async renew() {
      const before = [...alive];
      log.info(`${before.length} workers are renewed, one after the other`);
      for (const colleague of before) {
        // It may have been replaced meanwhile, or is about to be.
        if (stopping || !alive.has(colleague)) continue;
        const { colleague: successor } = await forkReady();
        void replace(successor);
        colleague.isRelieved = true;
        const delay = Math.min(RELIEF, (config.DATELINE_STOP_DEADLINE * 1000) / 2);
        await dismiss(colleague, { isLast: false, delay });
      }
      log.info("all workers are renewed");
    },
  };
}

/** How a worker ended: a signal, or a code, or why it could not be started. */
function endOf(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    worker.once("exit", (code, signal: string | null) => {
      resolve(signal ?? `the code ${code}`);
    });
    // What was sent to one that is dying comes back as an error too, and means nothing beside its end.
    worker.on("error", (error) => {
      if (worker.process.pid === undefined) resolve(error.message);
    });
  });
}

/**
 * Notes the connection that a worker is being handed, at most one for each address that is listened
 * on. Cluster closes its own end of it at the worker's word, which never comes from one that was
 * killed meanwhile, and the client would wait for ever.
 *
 * @returns what closes them, once the worker has ended
 */
function followHandovers(worker: Worker): () => void {
  const handed = new Map<string | undefined, { close: () => void }>();
  const { process } = worker;
  const send = process.send.bind(process);
  const note = (message: { key?: string }, connection?: { close: () => void }, ...rest: []) => {
    if (connection) handed.set(message.key, connection);
    return Reflect.apply(send, process, [message, connection, ...rest]);
  };
  process.send = note as typeof send;
  return () => {
    for (const connection of handed.values()) connection.close();
  };
}
