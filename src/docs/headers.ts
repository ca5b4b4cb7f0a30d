type Json = Record<string, unknown>;

/** What decides which headers an answer may have; of problems, which all operations share, the status alone. */
interface Answered {
  status: number;
  operation?: {
    method: string;
    path: string;
    /** The media types of the answer. */
    types: string[];
    merges: boolean;
  };
}

interface Header {
  description: string;
  example: string;
  /** Whether an answer may have it. */
  on: (answered: Answered) => boolean;
}

const isRead = ({ status, operation }: Answered) => operation?.method === "GET" && status < 400;
const isTagged = ({ status, operation }: Answered) =>
  operation !== undefined &&
  /^\/(v1|a)\//.test(operation.path) &&
  status !== 204 &&
  // Errors have one where they are pages.
  (status < 400 || operation.types.includes("text/html")) &&
  !operation.types.includes("text/event-stream");
const isVersioned = ({ operation }: Answered) => operation?.path.startsWith("/v1/") ?? true;
const withStatus =
  (...statuses: number[]) =>
  ({ status }: Answered) =>
    statuses.includes(status);
const always = () => true;

/** Every header that Dateline's answers have, but for those of the message itself and of CORS. */
const documented: Record<string, Header> = {
  "X-Request-Id": {
    description: "The request's id, as in the log.",
    example: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
    on: always,
  },
  ETag: {
    description: "The strong entity tag of this answer.",
    example: '"7-6f1b8a3c2d4e-q1vTm3kZ0aXx8mV2b4nD6Q"',
    on: isTagged,
  },
  "Cache-Control": {
    description: "How long it may be kept.",
    example: "public, max-age=1, stale-while-revalidate=30, stale-if-error=60",
    on: always,
  },
  "CDN-Cache-Control": {
    description:
      "With `DATELINE_CDN_MAX_AGE`: how long a cache in front that is purged may keep it, in place of `Cache-Control` (RFC 9213).",
    example: "max-age=600, stale-while-revalidate=30, stale-if-error=60",
    on: isRead,
  },
  "Cache-Status": {
    description:
      "Present while the database is away and the answer comes from memory (RFC 9211): `ttl` is minus the seconds since it was last known to be true, and so is `Age`.",
    example: 'Dateline; hit; ttl=-12; detail="database away"',
    on: isRead,
  },
  Age: {
    description: "How many seconds ago it was last known to be true, while the database is away.",
    example: "12",
    on: isRead,
  },
  Vary: {
    description: "What of the request it depends on.",
    example: "Authorization, Accept-Encoding",
    on: always,
  },
  "Surrogate-Key": {
    description: "By what caches can purge it, parted by spaces.",
    example: "articles 0199b2a05f5a7c119d0e6f1b8a3c2d4e",
    on: (answered) => isRead(answered) || withStatus(404, 410, 451)(answered),
  },
  "Cache-Groups": {
    description: "The same as RFC 9875 has it.",
    example: '"articles", "0199b2a05f5a7c119d0e6f1b8a3c2d4e"',
    on: (answered) => isRead(answered) || withStatus(404, 410, 451)(answered),
  },
  "Last-Modified": {
    description: "When something in it was last changed.",
    example: "Thu, 10 Apr 2025 09:30:00 GMT",
    on: isRead,
  },
  Link: {
    description:
      "Where a list goes on (`next`) or begins anew (`start`), and where else it can be found (RFC 8288).",
    example: '</v1/articles?cursor=q1vTm3kZ>; rel="next"',
    on: (answered) => isRead(answered) || withStatus(410)(answered),
  },
  "Content-Encoding": {
    description: "How it is compressed, when the request takes that.",
    example: "br",
    on: ({ status, operation }) => operation?.method === "GET" && status === 200,
  },
  Location: {
    description: "Where to find what was made, or has moved.",
    example: "/v1/articles/0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
    on: withStatus(201, 301),
  },
  "Preference-Applied": {
    description: "`merge` when the change was merged with what had changed since (RFC 7240).",
    example: "merge",
    on: ({ status, operation }) => operation?.merges === true && status < 300,
  },
  "Idempotency-Replayed": {
    description: "`true` when an Idempotency-Key repeats an answer.",
    example: "true",
    on: ({ status, operation }) => operation?.method === "POST" && status < 300,
  },
  "X-Accel-Buffering": {
    description: "Tells proxies to pass each event on at once.",
    example: "no",
    on: ({ operation }) => operation?.types.includes("text/event-stream") ?? false,
  },
  "WWW-Authenticate": {
    description: "How to send a key, and what is wrong with the one sent (RFC 6750).",
    example: 'Bearer realm="dateline"',
    on: withStatus(401, 403),
  },
  "Accept-Encoding": {
    description: "How bodies may be compressed: not at all.",
    example: "identity",
    on: withStatus(415),
  },
  "Retry-After": {
    description: "When to try again, in seconds.",
    example: "1",
    on: withStatus(409, 429, 503),
  },
  "RateLimit-Policy": {
    description: "How many requests are allowed within how many seconds.",
    example: '"minute";q=6000;w=60',
    on: isVersioned,
  },
  RateLimit: {
    description: "How many requests are left, and for how many seconds that holds.",
    example: '"minute";r=5999;t=42',
    on: isVersioned,
  },
};

/** The document's components, by the names of the headers. */
export const headerComponents = Object.fromEntries(
  Object.entries(documented).map(([name, { description, example }]) => [
    name,
    { description, schema: { type: "string" }, example },
  ]),
);

/** References to the headers that an answer may have. */
export function headersOf(answered: Answered): Json {
  return Object.fromEntries(
    Object.entries(documented)
      .filter(([, { on }]) => on(answered))
      .map(([name]) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}
