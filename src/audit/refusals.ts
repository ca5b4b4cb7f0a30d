import type { FastifyRequest } from "fastify";
import type { Database } from "../database/client.ts";
import type { Prisma } from "../database/client.ts";
import type { App } from "../http/app.ts";
import { Problem, type ProblemType, problemTypes } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { originOf } from "./record.ts";

/** How long refusals are added up before they are written, in milliseconds. */
const SPAN = 60_000;
/** How many kinds of refusals one span tells apart; those beyond are one entry together. */
const MOST_KINDS = 20;

/** Refusals for which a key was sent. Without one nobody tried anything. */
const noted: ReadonlySet<ProblemType> = new Set<ProblemType>([
  "key-invalid",
  "scope-missing",
  "out-of-reach",
]);

type Refusal = Omit<Prisma.AuditEntryCreateManyInput, "id" | "at" | "count" | "outcome">;

/** Refusals of one process, on their way to the audit log. */
export interface Refusals {
  note: (refusal: Refusal) => void;
  /** Writes what was noted so far. */
  settle: () => Promise<void>;
}

/**
 * Keeps what was refused in the audit log, without letting whoever tries keys fill the disk: what is
 * alike within a minute is one entry with a count, and a minute has at most 21 entries a process. What
 * was noted and not written when a process dies is lost.
 */
export function refusals(database: Database): Refusals {
  let tallies = new Map<string, { refusal: Refusal; count: number }>();
  let timer: NodeJS.Timeout | undefined;

  const settle = async () => {
    clearTimeout(timer);
    timer = undefined;
    if (tallies.size === 0) return;
    const settled = [...tallies.values()];
    tallies = new Map();
    const at = new Date();
    await database.auditEntry.createMany({
      data: settled.map(({ refusal, count }) => ({ ...refusal, count, at, outcome: "refused" as const })),
    });
  };

  return {
    note(refusal) {
      const { operation, actorId, status, address } = refusal;
      const own = JSON.stringify([operation, actorId, status, address]);
      const known = tallies.get(own);
      const isOwn = known !== undefined || tallies.size < MOST_KINDS;
      const kind = isOwn ? own : "others";
      const tally = known ?? tallies.get(kind) ?? { refusal: isOwn ? refusal : others, count: 0 };
      tallies.set(kind, { ...tally, count: tally.count + 1 });
      timer ??= setTimeout(() => {
        // The database is away: those of this minute are not told of, which the log of requests does.
        settle().catch(() => {});
      }, SPAN).unref();
    },
    settle,
  };
}

/** What the refusals beyond those told apart have in common. */
const others: Refusal = { operation: "others" };

/** Notes each request that was refused for its key, in every operation of an application. */
export function noteRefusals(app: App, newsroom: Newsroom): void {
  app.addHook("onError", (request, _reply, error, done) => {
    if (error instanceof Problem && noted.has(error.type)) {
      newsroom.refusals.note(refusalOf(request, problemTypes[error.type].status));
    }
    done();
  });
}

function refusalOf(request: FastifyRequest, status: number): Refusal {
  const { caller } = request;
  return {
    ...originOf(request),
    actorId: caller?.id ?? null,
    actorName: caller?.name ?? null,
    status,
    requestId: request.id,
  };
}
