import pg from "pg";

/** The channel on which processes tell each other what changed. */
export const CHANNEL = "dateline";
/** How often the connection is asked whether it lives, and how long it may take, in milliseconds. */
const HEARTBEAT = 250;
const PATIENCE = 500;
/** How long to wait before connecting again, in milliseconds. */
const RETRY = 250;

export interface Listener {
  /** A message that another process, or this one, sent with its commit. */
  onMessage: (message: string) => void;
  /** From here on every message arrives. */
  onUp: () => Promise<void>;
  /** Messages may be lost from here on. */
  onDown: () => void;
}

export interface Listening {
  stop: () => Promise<void>;
}

/**
 * Listens to what is told on the database, for as long as the process lives. When the connection
 * is lost, or does not answer, the listener is told at once and again when it is back.
 */
export async function listen(databaseUrl: string, listener: Listener): Promise<Listening> {
  let stopped = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  const lose = (lost: pg.Client) => {
    if (client !== lost) return;
    client = undefined;
    clearTimeout(timer);
    listener.onDown();
    // A connection that does not answer would not say goodbye either.
    lost.connection.stream.destroy();
    if (!stopped) timer = setTimeout(() => void connect(), RETRY);
  };

  const beat = async (current: pg.Client) => {
    const late = setTimeout(lose, PATIENCE, current);
    try {
      await current.query("SELECT 1");
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
      connectionTimeoutMillis: PATIENCE,
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
    try {
      await next.connect();
      await next.query(`LISTEN ${CHANNEL}`);
    } catch {
      if (!stopped) timer = setTimeout(() => void connect(), RETRY);
      return;
    }
    if (stopped) {
      await next.end();
      return;
    }
    client = next;
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
