/** PostgreSQL's five-character error code (its manual, appendix A), if that is what failed. */
export function databaseCode(error: unknown): string | undefined {
  const causes = [
    error,
    property(error, "cause"),
    property(property(property(error, "meta"), "driverAdapterError"), "cause"),
  ];
  for (const cause of causes) {
    const code = property(cause, "originalCode") ?? property(cause, "code");
    if (typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^P\d{4}$/.test(code)) {
      // From PostgreSQL 18 on, ON DELETE RESTRICT has a code of its own; what it says is the same.
      return code === "23001" ? "23503" : code;
    }
  }
  // Prisma's own codes for what it recognised.
  const known = property(error, "code");
  if (known === "P2034") return "40P01";
  if (known === "P2002") return "23505";
  if (known === "P2003") return "23503";
  return undefined;
}

/** Whether the database could not be reached or had no room, so that a later try may succeed. */
export function isDatabaseAway(error: unknown): boolean {
  const prismaCode = property(error, "code");
  if (
    typeof prismaCode === "string" &&
    ["P1000", "P1001", "P1002", "P1003", "P1008", "P1011", "P1017", "P2024", "P2028", "P2037"].includes(
      prismaCode,
    )
  ) {
    return true;
  }
  const code = databaseCode(error);
  // Classes 08 (connection), 3D (no such database), 53 (resources), 57 (operator intervention: shutdown, timeout).
  if (code !== undefined && /^(08|3D|53|57)/.test(code)) return true;
  // Raised by the driver itself, several addresses tried in vain have their code in place of a message.
  const text = error instanceof Error ? `${String(prismaCode)} ${error.message}` : "";
  return /ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|Connection terminated|timeout exceeded when trying to connect|Can't reach database|Server has closed the connection|DatabaseNotReachable|ConnectionClosed|is not queryable|Query read timeout|timeout expired/.test(
    text,
  );
}

/** Whether it is the database that failed, or the way to it, and not what was asked of Dateline. */
export function isOfDatabase(error: unknown): boolean {
  return databaseCode(error) !== undefined || isDatabaseAway(error);
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && name in value
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
