// Patterns of names. Each starts with the three letters that tell it from the others.
const months = [
  "jan(?:uary)?",
  "feb(?:ruary)?",
  "mar(?:ch)?",
  "apr(?:il)?",
  "may",
  "june?",
  "july?",
  "aug(?:ust)?",
  "sep(?:t(?:ember)?)?",
  "oct(?:ober)?",
  "nov(?:ember)?",
  "dec(?:ember)?",
];
const weekdays = [
  "sun(?:day)?",
  "mon(?:day)?",
  "tue(?:s(?:day)?)?",
  "wed(?:nesday)?",
  "thu(?:r(?:s(?:day)?)?)?",
  "fri(?:day)?",
  "sat(?:urday)?",
];

const gap = String.raw`(?:,\s*|\s+)`;
const label = String.raw`(?:published(?:\s+on)?(?::\s*|\s+))?`;
const weekday = String.raw`(?:(?<weekday>${weekdays.join("|")})\.?${gap})?`;
const day = String.raw`(?<day>\d{1,2})(?:st|nd|rd|th)?`;
const month = String.raw`(?<month>${months.join("|")})\.?`;
const year = String.raw`(?<year>[12]\d{3})`;
const time = String.raw`(?<hour>\d{1,2}):(?<minute>[0-5]\d)(?::(?<second>[0-5]\d)(?<fraction>\.\d{1,9})?)?`;
const half = String.raw`(?:\s*(?<half>[ap])\.?m\.?)?`;
const zone = String.raw`(?:\s*(?:(?:UTC|GMT)?(?<offset>[+-]\d{2}:?[0-5]\d)|UTC|GMT|Z))?`;
const clock = String.raw`(?:(?:T|${gap}(?:at\s+)?)${time}${half}${zone})?`;

const forms = [
  String.raw`${weekday}${day}\s+${month}${gap}${year}`,
  String.raw`${weekday}${month}\s+${day}${gap}${year}`,
  String.raw`${year}-(?<month>\d{2})-(?<day>\d{2})`,
].map((date) => new RegExp(`^${label}${date}${clock}$`, "i"));

const longestDateLine = 100;
const millisecondsPerMinute = 60_000;
const widestOffset = 14 * 60;

type Part =
  "weekday" | "day" | "month" | "year" | "hour" | "minute" | "second" | "fraction" | "half" | "offset";
type Parts = { [part in Part]?: string | undefined };

/**
 * Reads a line that is a date and nothing else.
 *
 * The date, in English, upper or lower case:
 * - `10 April 2025`, `10th Apr. 2025`, `10 April, 2025`
 * - `April 10, 2025`, `Apr 10 2025`
 * - either of them after a weekday: `Thu Apr 10 2025`, `Thursday, 10 April 2025`
 * - `2025-04-10`
 *
 * After it, if anything, a time: `T14:30`, `, 14:30:05`, ` at 2:30 p.m.`; and after that, if anything, its
 * zone: `Z`, `UTC`, `GMT`, `+02:00`, `GMT+0200`. Before it, if anything, the word `Published`.
 *
 * Without a zone the time is UTC; without a time it is the start of the day.
 *
 * @param line the line, without white space around it
 * @returns the time in UTC as RFC 3339, such as `2025-04-10T00:00:00Z`, with the fraction of a second as
 *   written; null when the line is anything else: a day that does not exist or fell on another weekday, a
 *   date without its year, one in which day and month can be mistaken (`04/10/2025`), or any other zone
 */
export function readDate(line: string): string | null {
  if (line.length > longestDateLine) return null;
  for (const form of forms) {
    const parts = form.exec(line)?.groups;
    if (parts) return instant(parts);
  }
  return null;
}

function instant(parts: Parts): string | null {
  const date = dayStart(parts);
  const hour = hourOfDay(parts);
  const offset = offsetInMinutes(parts.offset);
  if (date === null || hour === null || offset === null) return null;
  const minutes = hour * 60 + Number(parts.minute ?? 0) - offset;
  const moment = new Date(date + minutes * millisecondsPerMinute + Number(parts.second ?? 0) * 1000);
  return `${moment.toISOString().slice(0, "2025-04-10T00:00:00".length)}${parts.fraction ?? ""}Z`;
}

function dayStart(parts: Parts): number | null {
  const date = new Date(Date.UTC(Number(parts.year), monthIndex(parts.month), Number(parts.day)));
  // A day past the month's end runs on into the next month, and comes out as another day.
  const exists = date.getUTCDate() === Number(parts.day) && date.getUTCFullYear() === Number(parts.year);
  const agrees = parts.weekday === undefined || date.getUTCDay() === indexOfName(weekdays, parts.weekday);
  return exists && agrees ? date.getTime() : null;
}

function monthIndex(name = ""): number {
  return /^\d/.test(name) ? Number(name) - 1 : indexOfName(months, name);
}

function indexOfName(patterns: string[], name: string): number {
  const start = name.slice(0, 3).toLowerCase();
  return patterns.findIndex((pattern) => pattern.startsWith(start));
}

function hourOfDay({ hour = "0", half: halfOfDay }: Parts): number | null {
  const written = Number(hour);
  if (halfOfDay === undefined) return written < 24 ? written : null;
  if (written < 1 || written > 12) return null;
  return (written % 12) + (halfOfDay.toLowerCase() === "p" ? 12 : 0);
}

function offsetInMinutes(offset = "+0000"): number | null {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2));
  if (minutes > widestOffset) return null;
  return offset.startsWith("-") ? -minutes : minutes;
}
