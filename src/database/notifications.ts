import pg from "pg";

/** The channel on which processes tell each other what changed. */
export const CHANNEL = "dateline";
/** How often the connection is asked whether it lives, and how long it may take, in milliseconds. */
const HEARTBEAT = 250;
const PATIENCE = 600;
/** How long a connection may take to be made, in milliseconds, and after how many in vain the server counts as silent. */
const CONNECT_PATIENCE = 500;
const ATTEMPTS = 2;
/** How long the first statement may take, in milliseconds; those that follow are held to PATIENCE. */
const LISTEN_TIMEOUT = 1_000;
/** How long to wait before connecting again, in milliseconds. */
const RETRY = 250;

export interface Listener {
  /** A message that another process, or this one, sent with its commit. */
  onMessage: (message: string) => void;
  /** From here on every message arrives. */
  onUp: () => Promise<void>;
  /** Messages may be lost from here on. */
  onDown: () => void;
  /** The server does not answer, not even to refuse: whoever waits for it waits in vain. */
  onSilence: () => void;
}

export interface Listening {
  stop: () => Promise<void>;
}

/**
 * Listens to what is told on the database, for as long as the process lives. When the connection
 * is lost, or does not answer, the listener is told at once and again when it is back.
 *
 * A connection is late when its answer is not there once the sockets have been read: a process that
 * was busy itself finds both its timer and the answer when it comes to them.
 */
export async function listen(databaseUrl: string, listener: Listener): Promise<Listening> {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let unanswered = 0;

  const lose = (lost: pg.Client) => {
    if (client !== lost) return;
    client = undefined;
    clearTimeout(timer);
    listener.onDown();
    // A connection that does not answer would not say goodbye either.
    lost.connection.stream.destroy();
    if (!stopped) void connect();
  };

  const beat = async (current: pg.Client) => {
    let isAnswered = false;
    const late = setTimeout(() => {
      setImmediate(() =>
        setImmediate(() => {
          if (!isAnswered) lose(current);
        }),
      );
    }, PATIENCE);
    try {
      await current.query("SELECT 1");
      isAnswered = true;
      if (client === current) timer = setTimeout(() => void beat(current), HEARTBEAT);
    } catch {
      lose(current);
    } finally {
      clearTimeout(late);
    }
  };

  const connect = async () => {
    const next = new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: CONNECT_PATIENCE,
      query_timeout: LISTEN_TIMEOUT,
      application_name: "dateline listener",
      keepAlive: true,
    });
    next.on("error", () => {
      lose(next);
    });
    next.on("end", () => {
      lose(next);
    });
    next.on("notification", ({ payload }) => {
      listener.onMessage(payload ?? "");
    });
    const since = performance.now();
    try {
      await next.connect();
      await next.query(`LISTEN ${CHANNEL}`);
    } catch {
      // Who refuses has answered. When it took much longer this process was too busy to hear it.
      const waited = performance.now() - since;
      const wasSilent = waited > CONNECT_PATIENCE * 0.9 && waited < CONNECT_PATIENCE * 1.5;
      unanswered = wasSilent ? unanswered + 1 : 0;
      if (unanswered >= ATTEMPTS) listener.onSilence();
      if (!stopped) timer = setTimeout(() => void connect(), RETRY);
      return;
    }
    if (stopped) {
      await next.end();
      return;
    }
    client = next;
    unanswered = 0;
    try {
      await listener.onUp();
    } catch {
      lose(next);
      return;
    }
    void beat(next);
  };

  await connect();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      const last = client;
      client = undefined;
      await last?.end().catch(() => {});
    },
  };
}
