import { z } from "zod";
import type { Remark } from "./entry.ts";

export const FormatName = z.enum(["dateline", "wxr", "rss", "atom", "jsonfeed", "ghost", "ans", "ninjs"]);
export type FormatName = z.output<typeof FormatName>;

/** How many failures, and how many remarks, a report names. */
export const MAX_FAILURES = 100;
const MAX_REMARKS = 1000;

const place = {
  line: z
    .int()
    .describe("The line that it begins in; in one JSON document which item it is, counted from 1."),
  reason: z.string(),
};
const item = z.string().nullable().describe("The item's title, or what it is known by.");

export const ImportReport = z
  .object({
    format: FormatName.describe("What the file was seen to be."),
    dryRun: z.boolean().describe("Whether nothing was to be changed."),
    created: z.int(),
    updated: z.int(),
    unchanged: z.int(),
    failed: z.int(),
    failures: z
      .array(z.object({ ...place, item: item.optional() }))
      .describe(`The first ${MAX_FAILURES} that could not be imported, with what speaks against each.`),
    left: z.int().describe("Items that stayed behind since they are no articles, as pages and attachments."),
    remarkCount: z.int().describe("How many remarks there are."),
    remarks: z
      .array(z.object({ ...place, item }))
      .describe(`What could not be carried over, or not in whole: the first ${MAX_REMARKS}.`),
  })
  .meta({
    id: "ImportReport",
    examples: [
      {
        format: "wxr",
        dryRun: false,
        created: 120,
        updated: 3,
        unchanged: 77,
        failed: 0,
        failures: [],
        left: 1,
        remarkCount: 1,
        remarks: [{ line: 210, item: "About us", reason: "is a page, and no post" }],
      },
    ],
  });
export type ImportReport = z.output<typeof ImportReport>;

export type Outcome = "created" | "updated" | "unchanged";

/** Counts what becomes of a file's items, and keeps the first of what is to be told. */
export interface Tally {
  count: (outcome: Outcome) => void;
  fail: (failure: ImportReport["failures"][number]) => void;
  remark: (remark: Remark) => void;
  leave: (remark: Remark) => void;
  report: () => ImportReport;
}

/** @param onRemark is told of every remark and failure, however many there are */
export function tally(
  format: FormatName,
  dryRun: boolean,
  onRemark: (remark: Remark) => void = () => {},
): Tally {
  const found: ImportReport = {
    format,
    dryRun,
    created: 0,
    updated: 0,
    unchanged: 0,
    failed: 0,
    failures: [],
    left: 0,
    remarkCount: 0,
    remarks: [],
  };
  const remark = (one: Remark) => {
    found.remarkCount += 1;
    if (found.remarks.length < MAX_REMARKS) found.remarks.push(one);
    onRemark(one);
  };
  return {
    count: (outcome) => {
      found[outcome] += 1;
    },
    fail: (failure) => {
      found.failed += 1;
      if (found.failures.length < MAX_FAILURES) found.failures.push(failure);
      onRemark({ ...failure, item: failure.item ?? null });
    },
    remark,
    leave: (one) => {
      found.left += 1;
      remark(one);
    },
    report: () => found,
  };
}
