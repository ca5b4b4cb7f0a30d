import { z } from "zod";

/**
 * Every kind of problem by its name. The `type` in an answer is `/problems/NAME`, which can be
 * fetched and shows what stands here (RFC 9457, section 3.1.1).
 */
export const problemTypes = {
  "malformed-request": {
    status: 400,
    meaning: "The request cannot be read: its JSON, its text encoding or its framing is broken.",
  },
  "invalid-parameter": {
    status: 400,
    meaning:
      "A query parameter or header is unknown or has a value that it cannot have; `errors` names each.",
  },
  "key-in-address": {
    status: 400,
    meaning:
      "A key, or a parameter that would hold one, stands in the address: send `Authorization: Bearer KEY` instead.",
  },
  "key-required": { status: 401, meaning: "The operation needs a key: send `Authorization: Bearer KEY`." },
  "key-invalid": { status: 401, meaning: "The key is wrong, revoked or expired." },
  "scope-missing": { status: 403, meaning: "The key is good but lacks the scope that `detail` names." },
  "out-of-reach": {
    status: 403,
    meaning:
      "The key has the scope, but is kept to its own drafts, or to some sections, and this lies outside; or it is a comment that another key wrote.",
  },
  "not-found": { status: 404, meaning: "There is nothing at this address that the caller may know of." },
  "method-not-allowed": {
    status: 405,
    meaning: "The address exists but not with this method; `Allow` lists those it has.",
  },
  "not-acceptable": { status: 406, meaning: "None of the media types in `Accept` can be served here." },
  "request-timeout": { status: 408, meaning: "The request did not arrive in time; send it again." },
  conflict: { status: 409, meaning: "Something else already holds what the request names." },
  "slug-taken": { status: 409, meaning: "Another resource holds the slug, or was once published under it." },
  "wrong-state": {
    status: 409,
    meaning:
      "The state that the article, or whatever else it is about, is in does not allow this; `detail` says what would.",
  },
  "in-use": { status: 409, meaning: "Articles still refer to what was to be changed or deleted." },
  "still-running": {
    status: 409,
    meaning: "A request with the same Idempotency-Key has not been answered yet.",
  },
  "count-limit": {
    status: 409,
    meaning: "A count, or how many there may be of something, is at its limit; `detail` says which.",
  },
  "bulk-undone": {
    status: 409,
    meaning: "An operation of an atomic bulk failed, so none of them was done; `results` says which and why.",
  },
  withdrawn: {
    status: 451,
    meaning:
      "It was withdrawn for good, for a legal reason; `detail` says what may be said of it (RFC 7725).",
  },
  gone: { status: 410, meaning: "It was published and is no more." },
  "cursor-expired": {
    status: 410,
    meaning:
      "What came after the cursor is not kept any more, or the database was set back behind it: start again with `since=start`, and drop what that does not list.",
  },
  "precondition-failed": {
    status: 412,
    meaning:
      "It was changed since: the `If-Match` or `If-None-Match` sent does not fit its current ETag. Fetch it again and repeat the change on top. Of an article, `currentETag` and `conflicts` say what it is now and who has changed what.",
  },
  "content-too-large": {
    status: 413,
    meaning: "The body is larger than this operation takes; `detail` names the limit.",
  },
  "address-too-long": { status: 414, meaning: "The address is longer than any that leads somewhere." },
  "unsupported-media-type": {
    status: 415,
    meaning: "The body's media type or charset is not one that this operation reads.",
  },
  "invalid-content": {
    status: 422,
    meaning: "The body can be read but is not valid; each of `errors` points to a place in it.",
  },
  "import-failed": {
    status: 422,
    meaning:
      "The file is broken or of no kind that is known, or what it holds cannot be imported, so nothing was; `report` names lines and says why.",
  },
  "idempotency-key-reused": {
    status: 422,
    meaning: "The Idempotency-Key was used before with another body.",
  },
  "precondition-required": {
    status: 428,
    meaning:
      "A change to an article, or to anything inside it, needs `If-Match`: the ETag last seen, or `*`.",
  },
  "too-many-requests": {
    status: 429,
    meaning: "The limit on requests is used up; `Retry-After` says in how many seconds to come back.",
  },
  "headers-too-large": {
    status: 431,
    meaning: "The request has more, or longer, header fields than are taken.",
  },
  "internal-error": {
    status: 500,
    meaning: "Dateline failed. The request changed nothing; its `requestId` leads to the log.",
  },
  unavailable: {
    status: 503,
    meaning:
      "The database is away, out of room or took too long, or more is asked of Dateline than it can do; `Retry-After` says when to try again. What it was asked to write was not written, unless the database went away in the very moment of the commit: with an `Idempotency-Key` the repetition does nothing twice.",
  },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type ProblemType = keyof typeof problemTypes;

export const ProblemDetails = z
  .object({
    type: z.string().describe("A URI reference that names the kind of problem and leads to its description."),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().describe("The path that was asked for."),
    requestId: z.string(),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .describe("A JSON Pointer into the body (`#/keyPoints/0/text`) or the name of a parameter."),
          detail: z.string(),
        }),
      )
      .optional(),
    allowed: z.array(z.string()).optional().describe("What may be done with the article in its state."),
    revision: z
      .int()
      .optional()
      .describe("With 412 on an article or anything inside it: the revision that its working copy is at."),
    currentETag: z
      .string()
      .optional()
      .describe("With it: the ETag of the working copy, to be sent as If-Match with the next try."),
    conflicts: z
      .array(
        z.object({
          field: z
            .string()
            .describe(
              "A JSON Pointer into the article; items go by id: `/keyPoints/{id}`; a tag by its slug.",
            ),
          changedBy: z
            .object({ id: z.string().nullable(), name: z.string() })
            .nullable()
            .describe("Null when it follows from a change elsewhere."),
          changedAt: z.string().nullable(),
          revision: z.int().nullable().describe("The newest revision that changed it."),
        }),
      )
      .optional()
      .describe(
        "With it: what the request would write that others have changed since the revision in If-Match; with `Prefer: merge` what both changed in different ways. Absent when that revision is not known.",
      ),
    results: z
      .array(z.unknown())
      .optional()
      .describe(
        "With a bulk that was undone: a BulkResult for each operation, that of the one that failed and 424.",
      ),
    report: z.unknown().optional().describe("With an import that failed: an ImportReport."),
  })
  .meta({
    id: "Problem",
    description: "What went wrong (RFC 9457).",
    examples: [
      {
        type: "/problems/invalid-content",
        title: "Invalid content",
        status: 422,
        detail: "The body is not valid: #/headline is missing.",
        instance: "/v1/articles",
        requestId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
        errors: [{ pointer: "#/headline", detail: "is missing" }],
      },
      {
        type: "/problems/precondition-failed",
        title: "Precondition failed",
        status: 412,
        detail: "The article was changed since; its working copy is at revision 8.",
        instance: "/v1/articles/talks-conclude-in-istanbul",
        requestId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
        revision: 8,
        currentETag: '"8-6f1b8a3c2d4e-q1vTm3kZ0aXx8mV2b4nD6Q"',
        conflicts: [
          {
            field: "/headline",
            changedBy: { id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e", name: "Night desk" },
            changedAt: "2025-04-10T09:30:00.000Z",
            revision: 8,
          },
        ],
      },
    ],
  });

export interface FieldError {
  pointer: string;
  detail: string;
}

/** What a kind of problem says beside what all say (RFC 9457, section 3.2). */
export type ProblemMembers = Pick<
  z.output<typeof ProblemDetails>,
  "allowed" | "revision" | "currentETag" | "conflicts" | "results" | "report"
>;

interface ProblemExtra {
  errors?: FieldError[];
  headers?: Record<string, string>;
  members?: ProblemMembers;
}

/** An answer other than success, thrown from wherever it is found out. */
export class Problem extends Error {
  readonly type: ProblemType;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;
  readonly members: ProblemMembers;

  constructor(type: ProblemType, detail: string, extra: ProblemExtra) {
    super(detail);
    this.type = type;
    this.errors = extra.errors;
    this.headers = extra.headers ?? {};
    this.members = extra.members ?? {};
  }
}

/** A problem to throw: `detail` says what was wrong, where, and what would be right. */
export function problem(type: ProblemType, detail: string, extra: ProblemExtra = {}): Problem {
  return new Problem(type, detail, extra);
}

/** The problem of a body that parses but is not valid. */
export function invalidContent(errors: FieldError[]): Problem {
  return problem("invalid-content", `The body is not valid: ${summary(errors)}`, { errors });
}

/** The problem of query parameters or headers that cannot be as they are. */
export function invalidParameter(errors: FieldError[]): Problem {
  return problem("invalid-parameter", `A parameter is not valid: ${summary(errors)}`, { errors });
}

/** RFC 6901's fragment form for a place in a body: `["keyPoints", 0]` is `#/keyPoints/0`. */
export function pathPointer(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => {
    const token = String(step).toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1");
    return encodeURI(token).replaceAll("#", "%23");
  });
  return ["#", ...steps].join("/");
}

function summary(errors: FieldError[]): string {
  const first = errors[0];
  const more = errors.length > 1 ? `, and ${errors.length - 1} more` : "";
  return first === undefined ? "" : `${first.pointer} ${first.detail}${more}.`;
}

export function problemTitle(type: ProblemType): string {
  const words = type.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
