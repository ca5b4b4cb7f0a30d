import type { ClientBase } from "pg";

/** More changes than an installation writes down between a backup and what makes it necessary. */
const SKIPPED = 1_000_000_000;

/**
 * Leaves out numbers of changes in a database that was set back to an earlier state. What was written
 * down after that state is lost, but partners have its numbers in their cursors: none of them may
 * come to mean another change.
 */
export async function skipNumbers(client: ClientBase): Promise<void> {
  await client.query(`SELECT setval('changes_sequence_seq', nextval('changes_sequence_seq') + ${SKIPPED})`);
}
