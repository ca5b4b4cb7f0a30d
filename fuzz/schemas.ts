import fc from "fast-check";
import type { Contract, Schema } from "./contract.ts";
import * as traps from "./traps.ts";

const PICK = Symbol("pick");

/** A value that is taken from what the run has learnt, when the request is sent. */
export interface Pick {
  [PICK]: string;
  nth: number;
}

/** One of those that are known by a name: a property's, or a path's with parameters. */
export function pick(from: string): fc.Arbitrary<Pick> {
  return fc.nat(10_000).map((nth) => ({ [PICK]: from, nth }));
}

/** Puts values in the place of picks, everywhere in a value. */
export function filled(value: unknown, take: (from: string, nth: number) => unknown): unknown {
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  if (PICK in value) {
    const { [PICK]: from, nth } = value as Pick;
    return take(from, nth);
  }
  if (Array.isArray(value)) return value.map((one) => filled(one, take));
  // Not by assignment, which would set the prototype where a name is __proto__.
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, take)]));
}

/** What properties and parameters are about, by their names: what no schema says. */
const about: Record<string, string> = {
  articleId: "/v1/articles/{article}",
  article: "/v1/articles/{article}",
  ids: "/v1/articles/{article}",
  section: "/v1/sections slug",
  sections: "/v1/sections slug",
  tag: "/v1/tags slug",
  tags: "/v1/tags slug",
  author: "/v1/authors slug",
  authors: "/v1/authors slug",
  authorId: "/v1/authors/{term}",
  inReplyTo: "/v1/articles/{article}/comments/{id}",
  network: "network",
  blockId: "blockId",
  key: "/v1/keys/{key}",
  since: "listChanges next",
  cursor: "next",
  actor: "actor",
  operation: "operation",
};

/** Any text there is, and any code units. Made once, since fast-check goes through all of Unicode for each. */
export const anyText = fc.string({ unit: "grapheme", maxLength: 50 });
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));

const soon = (ms: number) => new Date(Date.now() + ms).toISOString();
/** Values that are good for a name, where a schema says too little. */
const known: Record<string, fc.Arbitrary<unknown>> = {
  language: fc.constantFrom("en", "en-GB", "pt-BR", "ar", "zh-Hans", "de-1996", "ja", "he"),
  fields: fc
    .subarray(["id", "headline", "slug", "keyPoints", "shareCounts", "version", "publishedAt", "corrections"])
    .map((list) => list.join(",")),
  // Waiting is right, and costs the run time.
  wait: fc.constant(0),
  since: fc.oneof(fc.constantFrom("start", "now"), pick("listChanges next")),
  "last-event-id": pick("listChanges next"),
  q: fc.constantFrom("harbour", "harbour -bridge", '"the harbour"', "talks OR ferry", "הנמל", "a", "harb*"),
  // Nothing that is made up leads to another machine: .invalid is nobody's (RFC 2606).

  url: fc.constantFrom("http://127.0.0.1:9/a?b=c#d", "https://127.0.0.1:9/", "http://münchen.invalid/ä"),
  text: fc.oneof(
    fc.constantFrom("The harbour bridge reopens", "Tide tables “at last” – 日本語 😀", "מעבורת חוזרת"),
    anyText.filter((text) => /[^\s\p{Cc}]/u.test(text)),
  ),
  at: fc.constantFrom(3_600_000, 86_400_000 * 30).map(soon),
  embargoedUntil: fc.option(fc.constantFrom(-3_600_000, 86_400_000 * 30).map(soon)),
  expiresAt: fc.option(fc.constantFrom(3_600_000, 86_400_000 * 365).map(soon)),
  publishedAt: fc.option(fc.constantFrom("1851-09-18T00:00:00Z", "2020-02-29T23:59:59.999+05:45")),
  // That of a change of the article at hand.
  sequence: pick("sequence"),
  expiresIn: fc.integer({ min: 60, max: 100_000 }),
  operations: fc.array(
    fc.oneof(
      fc.constantFrom(
        { method: "POST", path: "/v1/articles", body: { headline: "In bulk" } },
        { method: "POST", path: "/v1/articles/{0.id}/publish" },
        {
          method: "POST",
          path: "/v1/imports",
          headers: { "Content-Type": "text/plain" },
          body: "A page\n\nIts text",
        },
      ),
      pick("/v1/articles/{article} address").map((path) => ({
        method: "PATCH",
        path,
        headers: { "If-Match": "*" },
        body: { standfirst: "Changed in bulk" },
      })),
      pick("/v1/articles/{article}/comments/{id} address").map((path) => ({
        method: "DELETE",
        path,
        headers: { "If-Match": "*" },
      })),
    ),
    { minLength: 1, maxLength: 4 },
  ),
};

/** Makes arbitraries of the document's schemas. */
export function valuesOf(contract: Contract) {
  const { resolve } = contract;
  /** A value that the schema allows; `name` is that of the property or parameter. */
  const valid = remembered((schema, name) => allowed(schema, name));
  /** A value that the schema forbids, in one place. */
  const invalid = remembered((schema, name) => forbidden(schema, name));

  /** An arbitrary is made once for all places that have the same schema and name. */
  function remembered(make: (schema: Schema, name: string) => fc.Arbitrary<unknown>) {
    const made = new Map<string, fc.Arbitrary<unknown>>();
    return (reference: Schema, name: string): fc.Arbitrary<unknown> => {
      const key = `${name} ${JSON.stringify(reference)}`;
      const arbitrary = made.get(key) ?? make(resolve(reference), name);
      made.set(key, arbitrary);
      return arbitrary;
    };
  }

  function allowed(schema: Schema, name: string): fc.Arbitrary<unknown> {
    const { examples = [] } = schema;
    const made = generated(schema, name);
    return examples.length === 0 || schema.type === "string"
      ? made
      : fc.oneof({ arbitrary: made, weight: 4 }, { arbitrary: fc.constantFrom(...examples), weight: 1 });
  }

  function generated(schema: Schema, name: string): fc.Arbitrary<unknown> {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    const branches = schema.anyOf ?? schema.oneOf;
    if (branches !== undefined) return fc.oneof(...branches.map((branch) => valid(branch, name)));
    switch (schema.type) {
      case "object":
        return object(schema);
      case "array":
        if (known[name] !== undefined) return known[name];
        return fc.array(valid(schema.items ?? {}, name), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? 4, Math.max(schema.minItems ?? 0, 4)),
        });
      case "string":
        return string(schema, name);
      case "integer":
      case "number":
        return known[name] ?? whole(schema);
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      default:
        return fc.jsonValue({ maxDepth: 2 });
    }
  }

  function object({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
    const fields = Object.entries(properties).map(([name, schema]) => [name, valid(schema, name)] as const);
    const optional = fields.map(([name]) => name).filter((name) => !required.includes(name));
    // Few at a time: each may be at odds with another in ways that no schema tells.
    return fc
      .tuple(
        fc.record(Object.fromEntries(fields)),
        fc.subarray(optional, { maxLength: Math.min(3, optional.length) }),
      )
      .map(([all, chosen]) =>
        Object.fromEntries(
          Object.entries(all).filter(([name]) => required.includes(name) || chosen.includes(name)),
        ),
      );
  }

  function string(schema: Schema, name: string): fc.Arbitrary<unknown> {
    const { format, pattern, maxLength = 200, minLength = 0 } = schema;
    const topic = about[name];
    if (known[name] !== undefined && pattern === undefined) return known[name];
    if (topic !== undefined) return fc.oneof({ arbitrary: pick(topic), weight: 6 }, plain(schema));
    if (format === "uuid") return fc.uuid({ version: 7 });
    if (format === "uri" || format === "iri") return known.url ?? fc.webUrl();
    if (format === "date-time")
      return fc.date({ noInvalidDate: true, min: new Date(0) }).map((date) => date.toISOString());
    if (pattern !== undefined) return plain(schema);
    return fc.oneof(
      { arbitrary: known.text ?? fc.string(), weight: 8 },
      // Exactly as long as it may be, in code points.
      {
        arbitrary: fc.constantFrom("a", "é", "😀").map((unit) => unit.repeat(Math.max(minLength, maxLength))),
        weight: 1,
      },
      { arbitrary: fc.constantFrom(...traps.strings).filter(isText(minLength, maxLength)), weight: 2 },
    );
  }

  /** A string by its pattern and format alone. */
  function plain({ pattern, format, maxLength = 50 }: Schema): fc.Arbitrary<string> {
    if (format === "uuid") return fc.uuid({ version: 7 });
    if (pattern === undefined) return anyText.filter((text) => text.length <= maxLength);
    if (pattern.startsWith("^[a-z0-9]+(-"))
      return fc.stringMatching(/^[a-z0-9]{1,12}(-[a-z0-9]{1,12}){0,3}$/);
    const exact = new RegExp(pattern);
    // fast-check makes nothing of lookaheads, which only take away.
    return fc
      .stringMatching(new RegExp(pattern.replaceAll(/\(\?!.*?\)/g, "")))
      .filter((text) => text.length <= maxLength && exact.test(text));
  }

  function forbidden(schema: Schema, name: string): fc.Arbitrary<unknown> {
    const inside: fc.Arbitrary<unknown>[] = [];
    const { properties = {}, required = [], items } = schema;
    const branches = schema.anyOf ?? schema.oneOf ?? [];
    for (const branch of branches) inside.push(invalid(branch, name));
    if (schema.type === "object") {
      const good = valid(schema, name) as fc.Arbitrary<object>;
      const altered = (change: (body: object) => unknown) => good.map(change);
      inside.push(
        fc
          .tuple(
            good,
            fc.constantFrom("surprise", "__proto__", "constructor", "toString", "id "),
            fc.jsonValue(),
          )
          .map(([body, extra, value]) => Object.fromEntries([...Object.entries(body), [extra, value]])),
      );
      for (const missing of required)
        inside.push(
          altered((body) => Object.fromEntries(Object.entries(body).filter(([one]) => one !== missing))),
        );
      for (const [one, property] of Object.entries(properties))
        inside.push(fc.tuple(good, invalid(property, one)).map(([body, bad]) => ({ ...body, [one]: bad })));
    } else if (schema.type === "array") {
      const item = valid(items ?? {}, name);
      inside.push(
        fc
          .tuple(fc.array(item, { maxLength: 2 }), invalid(items ?? {}, name))
          .map(([good, bad]) => [...good, bad]),
      );
      const { maxItems } = schema;
      if (maxItems !== undefined && maxItems <= 1000)
        inside.push(item.map((one) => Array.from({ length: maxItems + 1 }, () => one)));
    } else if (schema.type === "string") {
      const { minLength = 0, maxLength, pattern, format } = schema;
      if (minLength > 0) inside.push(fc.constantFrom("", " ", "\u200b"));
      if (maxLength !== undefined)
        inside.push(fc.constantFrom("a", "😀").map((unit) => unit.repeat(maxLength + 1)));
      if (pattern !== undefined || format !== undefined) inside.push(fc.constantFrom(...traps.strings));
      inside.push(fc.constantFrom("nul\0", "\ud800"));
    } else if (schema.type === "integer") {
      const { minimum, maximum } = schema;
      if (minimum !== undefined) inside.push(fc.constant(minimum - 1));
      if (maximum !== undefined) inside.push(fc.constantFrom(maximum + 1, maximum * 2 + 1));
      inside.push(fc.constantFrom(0.5, 1e308, 2 ** 53 + 2, -1e-300));
    }
    return fc.oneof(...inside, ofAnotherType(schema));
  }

  return { valid, invalid };
}

function whole({ minimum = -1_000_000, maximum = 1_000_000 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(minimum, maximum),
    fc.integer({ min: minimum, max: Math.min(maximum, minimum + 10) }),
    fc.integer({ min: minimum, max: maximum }),
  );
}

const samples: Record<string, unknown> = {
  string: "1",
  number: 1,
  boolean: true,
  null: null,
  array: [[]],
  object: { a: { toString: 1 } },
};

function ofAnotherType({ type = "", anyOf, oneOf }: Schema): fc.Arbitrary<unknown> {
  const own = new Set([
    type === "integer" ? "number" : type,
    ...[...(anyOf ?? []), ...(oneOf ?? [])].map((one) => one.type),
  ]);
  return fc.constantFrom(
    ...Object.entries(samples)
      .filter(([name]) => !own.has(name))
      .map(([, value]) => value),
  );
}

function isText(least: number, most: number) {
  return (text: string) => {
    const { length } = Array.from(text.normalize("NFC"));
    return (
      text.isWellFormed() &&
      !text.includes("\0") &&
      length >= least &&
      length <= most &&
      /[^\s\p{Cc}]/u.test(text)
    );
  };
}

/** A value with one of its strings, or the whole of it, replaced by something hostile. */
export function hostile(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const deep = fc.constantFrom(10, 500).map((depth) => {
    let nested: unknown = "bottom";
    for (let level = 0; level < depth; level += 1) nested = level % 2 === 0 ? [nested] : { a: nested };
    return nested;
  });
  const anything = fc.anything({ withNullPrototype: false, withBigInt: false, maxDepth: 3 }).filter(isJson);
  const trap = fc.oneof(
    { arbitrary: fc.constantFrom<unknown>(...traps.strings), weight: 8 },
    { arbitrary: anyUnits, weight: 2 },
    deep,
    anything,
    fc.constantFrom<unknown>(1e308, -0, 2 ** 53, -(2 ** 31) - 1, null, [], {}),
  );
  return fc.tuple(value, fc.nat(50), trap).map(([all, nth, bad]) => replaced(all, nth, bad));
}

function isJson(value: unknown): boolean {
  return JSON.stringify(value) !== undefined;
}

/** Puts something in the place of the nth leaf. */
function replaced(value: unknown, nth: number, bad: unknown): unknown {
  let count = 0;
  const leaves = (node: unknown): void => {
    if (isBranch(node)) for (const child of Object.values(node)) leaves(child);
    else count += 1;
  };
  leaves(value);
  const wanted = count === 0 ? 0 : nth % count;
  let seen = -1;
  const walk = (node: unknown): unknown => {
    if (!isBranch(node)) return (seen += 1) === wanted ? bad : node;
    if (Array.isArray(node)) return node.map(walk);
    return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, walk(child)]));
  };
  return count === 0 ? bad : walk(value);
}

function isBranch(node: unknown): node is object {
  return typeof node === "object" && node !== null && !(PICK in node);
}
