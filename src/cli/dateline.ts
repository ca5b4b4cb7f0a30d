#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { Command, Option } from "commander";
import { allRoles } from "../access/roles.ts";
import { allScopes } from "../access/scopes.ts";
import { backupFile, restoreFile } from "./backup.ts";
import { createKey } from "./createKey.ts";
import { doctor } from "./doctor.ts";
import { exportFile } from "./exportFile.ts";
import { importFiles } from "./importFiles.ts";

const program = new Command("dateline")
  .description(
    "Dateline, a headless newsroom. Works on the database that the settings name, whether or not a server runs.",
  )
  .showHelpAfterError();

program
  .command("import")
  .description("make an article of each news page saved as text, or bring in what was exported (*.jsonl)")
  .argument("<files...>", "the files")
  .option("--publish", "publish them at once", false)
  .option("--language <tag>", "the language of the text, as a BCP 47 tag")
  .option("--dry-run", "of an export, say what would be done and do nothing", false)
  .action(importFiles);

program
  .command("export")
  .description("write everything but keys to standard output, as JSON Lines")
  .option("--since <time>", "leave out articles that have not changed after this time")
  .action(exportFile);

program
  .command("doctor")
  .description("look whether everything is as it should be, and say what to do where it is not")
  .option("--json", "as JSON", false)
  .action(doctor);

program
  .command("backup")
  .description("write all that is in the database into a file, keys and secrets too, while Dateline runs")
  .argument("<file>", "a file that does not exist yet")
  .action(backupFile);

program
  .command("restore")
  .description("make an empty database what a backup holds")
  .argument("<file>", "the backup")
  .option("--replace", "drop what is in the database first", false)
  .option("--dry-run", "only verify the file", false)
  .option("--no-webhooks", "switch all webhooks off, as for a copy beside the original")
  .action(restoreFile);

program
  .command("create-key")
  .description("make a key and show it, as when the administrator's was lost")
  .argument("<name>", "who or what uses it")
  .addOption(
    new Option("--role <role>", "what it may do, as a role; an administrator's when nothing is said")
      .choices(allRoles)
      .conflicts("scopes"),
  )
  .addOption(new Option("--scopes <scopes...>", "what it may do, as scopes").choices(allScopes))
  .action(createKey);

await program.parseAsync();
