import { type AlterTableStmt, type ColumnDef, type Node, type RangeVar, parse } from "libpg-query";

/** The rules of docs/operations.md hold for the migrations from this name on. */
export const RULES_FROM = "20261124000880";

/** What a statement does to those who are at work while it runs. */
interface Effect {
  /** `breaks` the version before, or `holds` up its statements for as long as it takes. */
  kind: "breaks" | "holds";
  why: string;
}

const breaks = (why: string): Effect => ({ kind: "breaks", why });
const holds = (why: string): Effect => ({ kind: "holds", why });

/**
 * Holds the SQL of a migration against the rules by which two versions work side by side on one schema.
 *
 * @param earlier the names of the migrations before it, that a contract step may refer to
 * @returns a line for each statement that breaks a rule: what, why, and what would be right
 */
export async function faultsOf(sql: string, earlier: readonly string[]): Promise<string[]> {
  const bytes = Buffer.from(sql);
  const { stmts = [] } = await parse(sql);
  const made = new Set<string>();
  const faults: string[] = [];
  let end = 0;
  for (const { stmt, stmt_location: start = 0, stmt_len: length } of stmts) {
    const comments = bytes.toString("utf8", end, start);
    end = length === undefined ? bytes.length : start + length;
    if (stmt === undefined) continue;
    const text = bytes.toString("utf8", start, end).trim();
    const complain = (fault: string) => faults.push(`${text.split("\n")[0]}: ${fault}`);
    for (const { kind, why } of effectsOf(stmt, made)) {
      if (kind === "breaks" && !/^-- contract /m.test(comments))
        complain(
          `${why}. Do it one release later, with "-- contract MIGRATION: why" before it, MIGRATION being the one since which nothing needs it.`,
        );
      if (kind === "holds" && !/^-- brief: .{10,}/m.test(comments))
        complain(`${why}. Say with "-- brief: why" before it why that does not take long.`);
    }
    const [, contract] = /^-- contract (.*)$/m.exec(comments) ?? [];
    const [since = "", why = ""] = contract?.split(": ", 2) ?? [];
    if (contract !== undefined && !(earlier.includes(since) && why.length > 0))
      complain(
        `"-- contract" must name an earlier migration and say why, as "-- contract ${earlier.at(-1)}: …".`,
      );
    if (
      "IndexStmt" in stmt &&
      stmt.IndexStmt.concurrent &&
      !(stmts.length === 1 && stmt.IndexStmt.if_not_exists)
    )
      complain(
        "an index that is built CONCURRENTLY must be the only statement of its migration, with IF NOT EXISTS.",
      );
    noteMade(stmt, made);
  }
  return faults;
}

const nameOf = (relation: RangeVar | undefined) => relation?.relname ?? "";

/** What nobody has seen before this migration may be changed in it as one likes. */
function noteMade(stmt: Node, made: Set<string>): void {
  if ("CreateStmt" in stmt) made.add(nameOf(stmt.CreateStmt.relation));
  if ("CreateTableAsStmt" in stmt) made.add(nameOf(stmt.CreateTableAsStmt.into?.rel));
}

function effectsOf(stmt: Node, made: ReadonlySet<string>): Effect[] {
  const isNew = (relation: RangeVar | undefined) => made.has(nameOf(relation));
  if ("DropStmt" in stmt) return [breaks("drops what the version before may use")];
  if ("RenameStmt" in stmt && !isNew(stmt.RenameStmt.relation))
    return [breaks("renames what the version before uses by its name")];
  if ("AlterEnumStmt" in stmt)
    return [breaks("adds a value that the version before does not know when it reads it")];
  if ("TruncateStmt" in stmt) return [breaks("removes what the version before may read")];
  if ("DoStmt" in stmt) return [holds("does what cannot be seen here")];
  if ("AlterTableStmt" in stmt)
    return isNew(stmt.AlterTableStmt.relation) ? [] : altering(stmt.AlterTableStmt);
  if ("IndexStmt" in stmt && !isNew(stmt.IndexStmt.relation)) {
    const { unique = false, concurrent = false } = stmt.IndexStmt;
    return [
      ...(unique ? [breaks("refuses what the version before may write twice")] : []),
      ...(concurrent
        ? []
        : [holds("keeps its table from being written to, unless it is built CONCURRENTLY")]),
    ];
  }
  const filled =
    "UpdateStmt" in stmt
      ? stmt.UpdateStmt.relation
      : "DeleteStmt" in stmt
        ? stmt.DeleteStmt.relation
        : undefined;
  return filled === undefined || isNew(filled)
    ? []
    : [holds("locks every row that it changes until the end")];
}

function altering({ cmds = [] }: AlterTableStmt): Effect[] {
  return cmds.flatMap((command) => {
    const { subtype, def } = "AlterTableCmd" in command ? command.AlterTableCmd : {};
    switch (subtype) {
      case "AT_DropColumn":
        return [breaks("drops a column that the version before reads")];
      case "AT_AlterColumnType":
        return [
          breaks("changes the type of a column that the version before uses"),
          holds("writes the table anew, and keeps everybody out meanwhile"),
        ];
      case "AT_SetNotNull":
        return [
          breaks("refuses rows that the version before may write without the column"),
          holds("looks through the whole table, and keeps everybody out meanwhile"),
        ];
      case "AT_ColumnDefault":
        return def === undefined ? [breaks("takes away what the version before leaves out")] : [];
      case "AT_AddColumn":
        return def !== undefined && "ColumnDef" in def ? adding(def.ColumnDef) : [];
      case "AT_AddConstraint": {
        const isChecked = def !== undefined && "Constraint" in def && def.Constraint.skip_validation !== true;
        return [
          breaks("refuses what the version before may write"),
          ...(isChecked ? [holds("looks through the whole table, unless it is added NOT VALID")] : []),
        ];
      }
      default:
        return [];
    }
  });
}

/** The functions that give one value for all rows, so that the table is not written anew. */
const STABLE = new Set(["now", "statement_timestamp", "transaction_timestamp"]);

function adding({ constraints = [] }: ColumnDef): Effect[] {
  const found = constraints.flatMap((one) => ("Constraint" in one ? one.Constraint : []));
  const default_ = found.find(({ contype }) => contype === "CONSTR_DEFAULT");
  const isMade = found.some(({ contype }) => contype === "CONSTR_GENERATED" || contype === "CONSTR_IDENTITY");
  const effects: Effect[] = [];
  if (found.some(({ contype }) => contype === "CONSTR_NOTNULL") && default_ === undefined && !isMade)
    effects.push(breaks("demands a column that the version before does not write"));
  const calls = JSON.stringify(default_ ?? {}).matchAll(/"funcname":\[.*?"sval":"(\w+)"\}\}\]/g);
  if (isMade || [...calls].some(([, name = ""]) => !STABLE.has(name)))
    effects.push(holds("writes the table anew, and keeps everybody out meanwhile"));
  return effects;
}
