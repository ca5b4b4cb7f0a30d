import { audit } from "../audit/record.ts";
import { backUp } from "../backup/backup.ts";
import { type Contents, type Head, verify } from "../backup/contents.ts";
import { restore } from "../backup/restore.ts";
import { transact } from "../database/transactions.ts";
import { planAnew } from "../editions/plan.ts";
import { commandLine } from "./asCommand.ts";
import { withDatabase } from "./withDatabase.ts";
import { inNewsroom } from "./withNewsroom.ts";

/** Writes a backup into a file, verifies it and says what is in it. */
export async function backupFile(file: string): Promise<void> {
  await withDatabase(async (databaseUrl, config) => {
    const { head, contents, bytes } = await backUp(databaseUrl, file);
    await inNewsroom(databaseUrl, config, ({ database }) =>
      transact(database, (tx) => audit(tx, { operation: "dateline backup" }), commandLine),
    );
    console.log(`${file}: ${summary(head, contents)}, ${(bytes / 1_000_000).toFixed(1)} MB, verified`);
  });
}

/** Makes the database what a backup holds, or only says whether the backup could do that. */
export async function restoreFile(
  file: string,
  options: { replace: boolean; dryRun: boolean; webhooks: boolean },
): Promise<void> {
  if (options.dryRun) {
    const { head, contents } = await verify(file);
    console.log(`${file}: ${summary(head, contents)}, verified (dry run: nothing was changed)`);
    return;
  }
  await withDatabase(async (databaseUrl, config) => {
    const { head, contents } = await restore(databaseUrl, file, options);
    await inNewsroom(databaseUrl, config, (newsroom) =>
      transact(
        newsroom.database,
        async (tx) => {
          // Should this not come to its end: the hourly tidying carries out what has no job.
          await planAnew(newsroom, tx);
          await audit(tx, { operation: "dateline restore" });
        },
        commandLine,
      ),
    );
    console.log(`${file}: restored ${summary(head, contents)}`);
  });
}

function summary({ madeAt, tables, migrations }: Head, { rows }: Contents): string {
  const count = Object.values(rows).reduce((sum, one) => sum + one, 0);
  return `${count} rows in ${tables.length} tables as of ${madeAt}, schema ${migrations.at(-1)?.name}`;
}
