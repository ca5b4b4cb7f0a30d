import { type Cast, MARK, type Secret } from "./callers.ts";
import type { Contract, Operation } from "./contract.ts";
import type { Answered, Exchange, Request } from "./send.ts";

/** Says what is wrong with an answer, in words; nothing when it is right. */
export type Judge = (exchange: Exchange) => string | undefined;

/** What only the inside of Dateline speaks of. */
const INSIDE =
  /node_modules|\.ts:\d|\bat \w+ \(|\b(SELECT|INSERT INTO|UPDATE) \w|\bprisma|postgres|FST_ERR|\bECONN/i;

/** Secrets that answers make while it runs: keys, and what signs for webhooks; those of examples are cut off. */
const MADE = /dateline_[0-9A-Za-z]{46}|whsec_[A-Za-z0-9+/=]{20,}(?![…A-Za-z0-9+/=])/g;

/**
 * Holds answers against the document, and against what must never happen.
 *
 * @returns a judge, which remembers the secrets that it has seen being made
 */
export function judgeOf(contract: Contract, { secrets }: Pick<Cast, "secrets">): Judge {
  const made = new Set<string>();
  const hiddenWords = new Map(secrets.map((secret) => [secret.word, secret]));
  const odd = secrets.filter(({ word }) => !word.startsWith(MARK) && word.match(MADE) === null);

  function leak({ request, answer }: Exchange): string | undefined {
    const shown = `${JSON.stringify(answer.headers)}\n${answer.text}`;
    const sent = sentText(request);
    const words = [
      ...(shown.match(new RegExp(`${MARK}\\d+x`, "g")) ?? []),
      ...odd.map(({ word }) => word).filter((word) => shown.includes(word)),
    ];
    for (const word of words) {
      const secret: Secret | undefined = hiddenWords.get(word);
      if (secret !== undefined && !secret.isFor(request.caller) && !sent.includes(word))
        return `${secret.what} is shown to ${request.caller.name}: ${word}`;
    }
    for (const word of shown.match(MADE) ?? []) {
      const isNew =
        answer.status < 300 && /"secret"/.test(answer.text) && !hiddenWords.has(word) && !made.has(word);
      if (isNew) made.add(word);
      else if (!sent.includes(word))
        return `a secret that was shown before, or to someone else, is shown: ${word}`;
    }
    return undefined;
  }

  return (exchange) => {
    const { request, operation, answer } = exchange;
    const { status, headers, text } = answer;
    if (status >= 500) return `the status is ${status}`;
    const revealed = leak(exchange);
    if (revealed !== undefined) return revealed;
    if (request.wire !== undefined) return wireFault(answer);
    const path = pathOf(request);
    // What is no address reaches no operation.
    if (status === 404 && detailOf(answer).startsWith("There is nothing at")) return undefined;
    if (/[/+]json\b/.test(String(headers["content-type"])) && !isJson(text)) return "it is no JSON";
    const fault = contract.faultOf(request.method, path, answer);
    if (fault !== undefined) return fault;
    const undeclared = contract.undeclaredHeaders(request.method, path, answer);
    if (undeclared.length > 0) return `headers that are not declared: ${undeclared.join(", ")}`;
    const own = request.caller.key !== undefined && operation?.path.startsWith("/v1/") === true;
    if (
      own &&
      /public/.test(String(headers["cache-control"])) &&
      request.headers.some(
        ([name, value]) => name === "Authorization" && value.endsWith(request.caller.key ?? ""),
      )
    )
      return "what is answered to a key may be kept by others' caches";
    if (status >= 400 && INSIDE.test(text) && !INSIDE.test(sentText(request)))
      return `the inside is shown: ${INSIDE.exec(text)?.[0]}`;
    if (status >= 200 && status < 300 && operation?.method === request.method)
      return acceptanceFault(contract, operation, request);
    return undefined;
  };
}

/** What is not well-formed is refused, where it can be answered at all by a problem or by a page. */
function wireFault({ status, headers }: Answered): string | undefined {
  const type = headers["content-type"] ?? "";
  const isRight = status < 400 || /^(application\/problem\+json|text\/html)/.test(type);
  return isRight ? undefined : `${status} is no problem but ${type}`;
}

/** Whether something was accepted that the document forbids. */
function acceptanceFault(contract: Contract, operation: Operation, request: Request): string | undefined {
  const { body } = operation;
  const json = body?.["application/json"];
  const type = request.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  if (
    json !== undefined &&
    /[/+]json\b/i.test(type) &&
    request.body !== undefined &&
    request.body.length > 0
  ) {
    const text = new TextDecoder().decode(request.body);
    if (!isJson(text)) return "a body was accepted that is no JSON";
    const value = JSON.parse(text.normalize("NFC")) as unknown;
    const fault = contract.schemaFault(json.schema, value);
    if (fault !== undefined) return `a body was accepted that the document forbids: ${fault}`;
  }
  const query = new URLSearchParams(request.target.split("?")[1]);
  for (const { name, in: place, schema } of operation.parameters) {
    const value = query.get(name);
    if (place !== "query" || value === null) continue;
    const { type } = contract.resolve(schema);
    const fault = contract.schemaFault(schema, type === "integer" ? Number(value) : value);
    if (fault !== undefined)
      return `the parameter ${name} was accepted, which the document forbids: ${fault}`;
  }
  return undefined;
}

/** Whether a body is JSON, or there is none. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text === "" ? "null" : text);
    return true;
  } catch {
    return false;
  }
}

function detailOf({ headers, text }: Answered): string {
  if (headers["content-type"] !== "application/problem+json" || text === "") return "";
  return String((JSON.parse(text) as { detail?: unknown }).detail);
}

/** The path as the server takes it. */
export function pathOf({ target }: Pick<Request, "target">): string {
  const path = target.split(/[?#]/)[0] ?? "";
  return /^https?:\/\//.test(path) ? path.replace(/^https?:\/\/[^/]*/, "") : path;
}

/** All that a request says, also as it reads unescaped: what comes back from it is no leak. */
function sentText({ target, headers, body, wire }: Request): string {
  const text = [
    target,
    headers.flat().join("\n"),
    body?.subarray(0, 100_000).toString() ?? "",
    wire ?? "",
  ].join("\n");
  return `${text}\n${unescaped(target)}`;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
