/** What one look at an installation has shown. */
export interface Finding {
  check: string;
  status: "ok" | "warn" | "fail";
  /** What was found, in words. */
  found: string;
  /** What depends on it. */
  meaning: string;
  /** What to do about it; null when nothing is wrong. */
  action: string | null;
}

/** A finding of which it is judged how bad it is. */
export type Judged = Pick<Finding, "status" | "found" | "action">;

export const ok = (found: string): Judged => ({ status: "ok", found, action: null });
export const warn = (found: string, action: string): Judged => ({ status: "warn", found, action });
export const fail = (found: string, action: string): Judged => ({ status: "fail", found, action });

/** How bad a figure is that should be small: from `warning` on worth a look, from `failing` on harmful. */
export function judge(
  value: number,
  { warning, failing }: { warning: number; failing: number },
  found: string,
  action: string,
): Judged {
  if (value >= failing) return fail(found, action);
  return value >= warning ? warn(found, action) : ok(found);
}

/** A span of seconds as people say it. */
export function spoken(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

/** A number of bytes as people say it. */
export function sized(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power < 2 ? 0 : 1)} ${units[power]}`;
}
