/** The jobs that are due in a queue and that no process has taken yet. */
export interface Backlog {
  queue: string;
  due: number;
  /** For how many seconds the first of them has been due. */
  lag: number;
}

/** Reads the backlog of every queue, from tables that pg-boss makes when a process first serves. */
export const BACKLOG = `
  SELECT q.name AS queue, count(j.id)::int AS due,
         coalesce(extract(epoch FROM clock_timestamp() - min(j.start_after)), 0)::float8 AS lag
  FROM jobs.queue q LEFT JOIN jobs.job j
    ON j.name = q.name AND j.state IN ('created', 'retry') AND j.start_after <= clock_timestamp()
  WHERE q.name !~ '^__' GROUP BY q.name ORDER BY q.name`;
