import type pg from "pg";
import { type Judged, judge, sized, warn } from "./finding.ts";

/** How far a standby may be behind, in bytes of the primary's log: a segment of it. That is never harmful. */
const LAG = { warning: 16_777_216, failing: Infinity };

const CLUSTER = "(SELECT system_identifier::text FROM pg_control_system())";

/**
 * Looks at a standby of the database (DATABASE_REPLICAS). Without it the primary serves all, so that
 * whatever is wrong with it is worth no more than a warning.
 *
 * @param primary a connection to what it should follow
 * @param connect opens a connection to it
 */
export async function standby(primary: pg.ClientBase, connect: () => Promise<pg.Client>): Promise<Judged> {
  const { rows } = await primary.query<{ cluster: string; position: string }>(
    `SELECT ${CLUSTER} AS cluster, pg_current_wal_flush_lsn()::text AS position`,
  );
  const [{ cluster, position } = { cluster: "", position: "0/0" }] = rows;
  const client = await connect().catch((error: Error) => error);
  if (client instanceof Error) {
    return warn(
      `cannot be reached: ${client.message}`,
      "Start it, or put its address in DATABASE_REPLICAS right; until then the primary serves all.",
    );
  }
  try {
    const found = await client.query<{ cluster: string; recovers: boolean; lag: number | null }>(
      `SELECT ${CLUSTER} AS cluster, pg_is_in_recovery() AS recovers,
              CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff($1, pg_last_wal_replay_lsn())::float8 END AS lag`,
      [position],
    );
    const [row] = found.rows;
    if (row?.cluster !== cluster)
      return warn(
        "is not of the database's cluster",
        "Name a standby in DATABASE_REPLICAS that was made of the server of DATABASE_URL.",
      );
    if (!row.recovers)
      return warn(
        "is no standby: it does not follow another server",
        "Take it out of DATABASE_REPLICAS; lead DATABASE_URL to it if it was promoted.",
      );
    const lag = Math.max(0, row.lag ?? 0);
    const action =
      "See pg_stat_replication on the primary, and what keeps the standby from receiving or replaying the log.";
    return judge(lag, LAG, `follows the database, ${sized(lag)} of its log behind`, action);
  } finally {
    await client.end().catch(() => {});
  }
}
