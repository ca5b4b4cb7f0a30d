import { z } from "zod";
import { invalidParameter } from "./problems.ts";
import type { Signing } from "./signing.ts";

export const DEFAULT_LIMIT = 20;
export const MAX_LIMIT = 100;
/** The longest cursor, in characters: one of a search holds other spellings of each word (src/search). */
const MAX_CURSOR = 4_000;

/** The query parameters that every paged list has. */
export const pageParameters = {
  limit: z
    .string()
    .refine(
      (value) => /^[1-9]\d{0,2}$/.test(value) && Number(value) <= MAX_LIMIT,
      `must be a whole number from 1 to ${MAX_LIMIT}`,
    )
    .transform(Number)
    .default(DEFAULT_LIMIT)
    .meta({
      description: `How many at most; ${DEFAULT_LIMIT} when absent.`,
      examples: [DEFAULT_LIMIT],
      type: "integer",
      minimum: 1,
      maximum: MAX_LIMIT,
    }),
  cursor: z
    .string()
    .max(MAX_CURSOR)
    .optional()
    .meta({ description: "Where to go on: `page.next` of the page before." }),
  count: z
    .enum(["true", "false"])
    .transform((value) => value === "true")
    .default(false)
    .meta({
      description: "`true` adds `page.total`; of very many it is an estimate, and marked as one.",
      examples: ["true"],
    }),
};

/** The shape of a list of `item`s. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), page: Page });
}

export const Page = z
  .object({
    limit: z.int(),
    next: z.string().nullable().describe("The cursor of the next page; null on the last."),
    total: z.int().optional().describe("How many there are in all; with `count=true`."),
    totalIsEstimate: z
      .literal(true)
      .optional()
      .describe(
        "There when `total` is not exact: of articles no more than 10,000 are counted, and how many more there are is estimated.",
      ),
  })
  .meta({ id: "Page" });

/** Cursors of one installation: signed, so that only what it gave out comes back. */
export interface Cursors {
  /** Makes an opaque cursor of the last row's sort values, bound to the list that it belongs to. */
  write: (list: string, position: string[]) => string;
  /**
   * @param parameter what it was sent as; `cursor` if absent
   * @throws 400 when the cursor was not given out by this installation, or for another list
   */
  read: (list: string, cursor: string, parameter?: string) => string[];
}

export function signedCursors({ sign, open }: Signing): Cursors {
  const purpose = (list: string) => `cursor ${list}`;
  return {
    write: (list, values) => sign(purpose(list), JSON.stringify(values)),
    read(list, cursor, parameter = "cursor") {
      const position = open(purpose(list), cursor);
      if (position === undefined) {
        throw invalidParameter([
          {
            pointer: parameter,
            detail:
              "is not a cursor of this list; take page.next of an answer with the same filters and sort",
          },
        ]);
      }
      return z.array(z.string()).parse(JSON.parse(position));
    },
  };
}

/**
 * The address of the next page for an RFC 8288 `Link` header.
 *
 * @param parameter what the cursor is sent as
 */
export function nextLink(url: string, next: string | null, parameter = "cursor"): Record<string, string> {
  if (next === null) return {};
  const address = new URL(url, "http://dateline.invalid");
  address.searchParams.set(parameter, next);
  return { link: `<${address.pathname}${address.search}>; rel="next"` };
}

/** A page that holds the whole of a list too short to be cut. */
export function wholeList<Item>(data: Item[]): { data: Item[]; page: z.output<typeof Page> } {
  return { data, page: { limit: MAX_LIMIT, next: null } };
}
