import Tokenizer from "@streamparser/json/tokenizer.js";
import TokenParser from "@streamparser/json/tokenparser.js";
import TokenType from "@streamparser/json/utils/types/tokenType.js";
import type { Pieces } from "./bytes.ts";
import { MAX_DEPTH, MAX_ITEM, fileRefused } from "./refuse.ts";

/** Any JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** A value that lies where it was asked for. */
export interface JsonRecord {
  /** Which it is, counted from 1. */
  number: number;
  /** The keys that lead to it, those of arrays left out: `["db", "data", "posts"]`. */
  path: string[];
  value: unknown;
}

/**
 * Reads JSON as it comes, one record in memory at a time: a document, or many behind each other as
 * JSON Lines are.
 *
 * @param paths where the records lie, `*` for any key or place: `$.items.*`
 * @throws 422 when it is not JSON in UTF-8, is cut off, or has what is too deep or too long
 */
export async function* jsonRecords(pieces: Pieces, paths: string[]): AsyncGenerator<JsonRecord> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const tokenizer = new Tokenizer();
  const parser = new TokenParser({ paths, separator: "", keepStack: false });
  const ofRecords = Math.min(...paths.map((path) => path.split(".").length));
  let found: JsonRecord[] = [];
  let number = 0;
  let depth = 0;
  let read = 0;
  // Where the record begins that is being read.
  let record = 0;

  const refused = (error: Error): never => {
    throw fileRefused(`is not JSON, or was cut off, at byte ${read}: ${error.message.split(". ")[0]}`);
  };
  tokenizer.onError = refused;
  parser.onError = refused;
  tokenizer.onToken = (token) => {
    if (token.token === TokenType.LEFT_BRACE || token.token === TokenType.LEFT_BRACKET) depth += 1;
    if (token.token === TokenType.RIGHT_BRACE || token.token === TokenType.RIGHT_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH)
      throw fileRefused(`has values that lie more than ${MAX_DEPTH} deep in each other at byte ${read}`);
    if (depth < ofRecords) record = read;
    parser.write(token);
  };
  parser.onValue = ({ value, key, stack }) => {
    number += 1;
    record = read;
    const keys = [...stack.slice(1).map((level) => level.key), key];
    found.push({ number, path: keys.filter((one) => typeof one === "string"), value });
  };

  for await (const bytes of pieces) {
    try {
      decoder.decode(bytes, { stream: true });
    } catch {
      throw fileRefused("is not JSON in UTF-8");
    }
    tokenizer.write(bytes);
    read += bytes.length;
    if (read - record > MAX_ITEM)
      throw fileRefused(
        `has an item, or a piece of one, that is longer than ${MAX_ITEM} bytes at byte ${read}`,
      );
    yield* found;
    found = [];
  }
  tokenizer.end();
  parser.end();
}

/** An object's property as an object; empty where it is none. */
export function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The objects of a list; none where it is no list. */
export function objectsOf(value: unknown): Json[] {
  return Array.isArray(value)
    ? value.filter((one) => typeof one === "object" && one !== null && !Array.isArray(one))
    : [];
}

/** A property as text without white space around it; null where there is none. */
export function stringOf(value: unknown): string | null {
  return typeof value === "string" || typeof value === "number" ? String(value).trim() || null : null;
}
