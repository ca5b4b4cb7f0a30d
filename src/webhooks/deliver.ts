import { Counter, Gauge } from "prom-client";
import { audit } from "../audit/record.ts";
import { type FoundChange, articlesIn } from "../changes/read.ts";
import { transact } from "../database/transactions.ts";
import { inTime } from "../database/inTime.ts";
import type { App } from "../http/app.ts";
import type { Newsroom } from "../newsroom.ts";
import { traced } from "../tracing/tracing.ts";
import { toldBy } from "./audience.ts";
import { messageOf, payloadOf } from "./payload.ts";
import { type Due, IS_ON, forgetMessage, nextDue, recordAttempt, webhooksWithWork } from "./queue.ts";
import { pace, waitAfter } from "./retries.ts";
import { type Outcome, sender } from "./send.ts";
import { turns } from "./turns.ts";

/** How often a process looks for what is due or was left by another, in milliseconds. */
const LOOK_EVERY = 1000;
/** How many messages are on their way to one receiver at a time, and to one that fails. */
const AT_ONCE = 8;
const AT_ONCE_FAILING = 2;
/** How many are read at a time. */
const READ_AT_ONCE = 50;
/** How long messages on their way may take when the process is to stop, in milliseconds. */
const PATIENCE = 5000;

/** What is known of a receiver while it is served. */
interface Receiver {
  /** Since when every attempt has failed; null when the last one did not. */
  failingSince: Date | null;
  /** Whether its webhook was switched off meanwhile. */
  isOff: boolean;
}

/**
 * Sends what changed to the webhooks, for as long as the process serves. The change log is the
 * outbox, and a delivery stays pending until the receiver has taken it, so that what a process that
 * died had begun is sent again by the next. Each webhook is served by one process at a time, and by
 * itself, so that none waits for another's receiver.
 *
 * When something is tried again stands in the deliveries, and every process looks for what is due:
 * the order of an article's changes is a matter of one query there, while a queue of jobs would hold
 * a job for each and know nothing of their order.
 */
export function deliverWebhooks(app: App, newsroom: Newsroom): void {
  const { statements, news, config } = newsroom;
  const { log } = app;
  const attempts = measured(newsroom);
  const out = sender(config.DATELINE_WEBHOOK_HOSTS);
  const serving = new Map<string, { done: Promise<void>; wake: () => void }>();
  let stopped = false;
  /** Aborted when the turns are lost, or patience is. */
  let sending = new AbortController();
  const ours = turns(statements, () => {
    sending.abort();
    sending = new AbortController();
  });

  /** Sends one, and writes down what came of it. */
  const attempt = async (due: Due, receiver: Receiver, signal: AbortSignal) => {
    // Read now, so that nothing is shown that was taken back while it waited.
    const told = await toldBy(statements, due);
    if (told === undefined) return;
    const change = await messageOf(
      newsroom,
      { ...due, articleId: due.article_id, sequence: BigInt(due.sequence) },
      told,
    );
    if (change === undefined && told.entitlement === null && !due.standing) {
      await recordAttempt(statements, due, forgotten(), "dead", 0);
      return;
    }
    if (change === undefined || !isWanted(due, change)) {
      await forgetMessage(statements, due);
      return;
    }
    const body = payloadOf(newsroom.cursors, change, told);
    const outcome = await out.send(
      {
        url: due.url,
        id: due.id,
        body,
        secrets: [due.secret, ...(due.former_secret === null ? [] : [due.former_secret])],
      },
      signal,
    );
    // It is not the receiver's fault when this process breaks off.
    if (signal.aborted) return;
    const taken = outcome.error === null;
    if (due.key_id !== null) {
      const articles = taken ? articlesIn([change]) : 0;
      newsroom.usage.count(due.key_id, { bytes: Buffer.byteLength(body), articles });
    }
    const since = taken ? null : (receiver.failingSince ?? outcome.at);
    const hopeless = since === null ? undefined : hopelessness(outcome, since);
    const left = (due.trying_since ?? outcome.at).getTime() + pace.giveUp - outcome.at.getTime();
    // What a receiver never took while it took nothing at all is not given up, but waits with the rest.
    const state = taken ? "delivered" : left > 0 || hopeless !== undefined ? "pending" : "dead";
    const wait = waitAfter(due.attempts + 1, pace, outcome.retryAfter);
    await recordAttempt(
      statements,
      due,
      outcome,
      state,
      state === "pending" ? Math.min(wait, Math.max(left, 0)) : 0,
    );
    attempts.inc({ outcome: state === "pending" ? "failed" : state });
    const isNew = since !== receiver.failingSince;
    receiver.failingSince = since;
    if (isNew) await noteFailing(newsroom, due.webhook_id, since);
    receiver.isOff ||= hopeless !== undefined;
    if (hopeless !== undefined) await switchOff(newsroom, due.webhook_id, hopeless, log);
  };

  /** Sends to a webhook whatever is to be sent now. */
  const serve = async (id: string, rung: () => Promise<void>, signal: AbortSignal) => {
    const busy = new Map<string, Promise<void>>();
    let queue: Due[] = [];
    let receiver: Receiver | undefined;
    try {
      for (;;) {
        const woken = rung();
        const fails = receiver?.failingSince != null;
        const most = fails ? AT_ONCE_FAILING : AT_ONCE;
        if (stopped || signal.aborted || receiver?.isOff === true) queue = [];
        else if ((queue.length === 0 || fails) && busy.size < most) {
          // Who waits long for each answer must not work off what was read long ago.
          queue = await nextDue(newsroom, id, [...busy.keys()], fails ? most - busy.size : READ_AT_ONCE);
        }
        for (const due of queue.splice(0, most - busy.size)) {
          receiver ??= { failingSince: due.failing_since, isOff: false };
          const about = { "dateline.webhook": due.webhook_id, "dateline.article": due.article_id };
          const current = receiver;
          const done = traced("deliver to webhook", about, () => attempt(due, current, signal)).finally(
            () => {
              busy.delete(due.article_id);
            },
          );
          busy.set(due.article_id, done);
        }
        if (busy.size === 0) return;
        await Promise.race([...busy.values(), woken]);
      }
    } finally {
      await Promise.allSettled(busy.values());
    }
  };

  const begin = (id: string) => {
    let wake = () => {};
    const rung = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    const run = async () => {
      const { signal } = sending;
      if (!(await ours.take(id))) return;
      await serve(id, rung, signal).finally(() => ours.leave(id));
    };
    const done = run()
      .catch((error: unknown) => {
        if (!stopped) log.warn({ err: error, webhook: id }, "deliveries to a webhook are held up for now");
      })
      .finally(() => serving.delete(id));
    serving.set(id, {
      done,
      wake: () => {
        wake();
      },
    });
  };

  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let again = false;
  const look = async () => {
    clearTimeout(timer);
    do {
      again = false;
      const ids = await webhooksWithWork(statements).catch(() => []);
      if (stopped) return;
      for (const id of ids) {
        const present = serving.get(id);
        if (present === undefined) begin(id);
        else present.wake();
      }
    } while (again);
    timer = setTimeout(wakeUp, LOOK_EVERY);
  };
  const wakeUp = () => {
    again = true;
    if (stopped) return;
    looking ??= look().finally(() => {
      looking = undefined;
    });
  };

  let unfollow = () => {};
  app.addHook("onListen", async () => {
    unfollow = news.follow(wakeUp);
    wakeUp();
  });
  app.addHook("preClose", async () => {
    stopped = true;
    unfollow();
    clearTimeout(timer);
    const patience = setTimeout(() => {
      sending.abort();
    }, PATIENCE);
    await looking;
    for (const { wake } of serving.values()) wake();
    await Promise.all([...serving.values()].map(({ done }) => done));
    clearTimeout(patience);
    ours.close();
    out.close();
  });
}

/** Whether it is of a kind that the webhook asks for; a change of the entitlement may have made it another. */
const isWanted = ({ kinds }: Due, { kind }: FoundChange) => kinds.length === 0 || kinds.includes(kind);

/** What comes of a message that waited for longer than the change log is kept. */
const forgotten = (): Outcome => ({
  at: new Date(),
  duration: 0,
  status: null,
  body: null,
  error: "the change was not sent: it is kept no more",
  retryAfter: 0,
});

async function noteFailing({ database }: Newsroom, id: string, since: Date | null): Promise<void> {
  await database.webhook.updateMany({ where: { id }, data: { failingSince: since } });
}

/** Why a webhook is to be switched off, in words, if it is: its receiver is gone, or has failed for too long. */
function hopelessness({ at, status, error }: Outcome, failingSince: Date): string | undefined {
  if (status === 410) return "The receiver answered 410: it wants nothing more.";
  if (at.getTime() - failingSince.getTime() < pace.giveUp) return undefined;
  return `Every attempt has failed since ${failingSince.toISOString()}; the last one: ${error ?? ""}.`;
}

async function switchOff({ database }: Newsroom, id: string, reason: string, log: App["log"]): Promise<void> {
  const at = new Date();
  await transact(database, async (tx) => {
    const { count } = await tx.webhook.updateMany({
      where: { id, enabled: true },
      data: {
        enabled: false,
        disabledReason: reason,
        disabledAt: at,
        updatedAt: at,
        revision: { increment: 1 },
      },
    });
    if (count === 0) return;
    await audit(tx, { operation: "disableWebhook", resourceKind: "webhooks", resourceId: id });
    log.warn({ webhook: id, reason }, "a webhook was switched off");
  });
}

/** Counts attempts by what came of them, and has each webhook's lag read when it is asked for. */
function measured({ metrics, statements }: Newsroom): Counter<"outcome"> {
  const lag = new Gauge({
    name: "dateline_webhook_lag_seconds",
    help: "How long ago the earliest change was recorded that a webhook has not taken yet",
    labelNames: ["webhook"],
    // Every process reads the same from the database.
    aggregator: "max",
    registers: [metrics],
    async collect() {
      const found = await inTime(
        statements.query<{ id: string; lag: number }>({ name: "webhook lag", text: LAG }),
      );
      lag.reset();
      for (const { id, lag: seconds } of found?.rows ?? []) lag.set({ webhook: id }, seconds);
    },
  });
  return new Counter({
    name: "dateline_webhook_attempts_total",
    help: "How many messages were sent to webhooks, by whether they were delivered, failed or given up (dead)",
    labelNames: ["outcome"],
    registers: [metrics],
  });
}

/** How far each webhook is behind, in seconds. */
export const LAG = `SELECT w.id, coalesce(extract(epoch FROM now() - (
    SELECT c.recorded_at FROM changes c WHERE c.sequence = least(
      (SELECT min(d.sequence) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending'),
      (SELECT min(n.sequence) FROM changes n WHERE n.sequence > w.position)))), 0)::float8 AS lag
  FROM webhooks w WHERE ${IS_ON}`;
