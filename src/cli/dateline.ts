#!/usr/bin/env -S node --max-semi-space-size=4 --heap-growing-percent=20 --disable-warning=ExperimentalWarning
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
  .description(
    "make articles of news pages saved as text, of RSS, Atom, JSON Feed, WordPress's WXR, Ghost's export, ninjs and Arc XP's ANS, or bring in Dateline's own export; each file is known by how it begins",
  )
  .argument("<files...>", "the files")
  .option("--publish", "publish at once what is published where it comes from, and news pages", false)
  .option("--language <tag>", "the language of what does not name its own, as a BCP 47 tag")
  .option("--site <url>", "the address of the site that relative addresses are of")
  .option("--report <file>", "write all that could not be carried over to a file, as JSON Lines")
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
