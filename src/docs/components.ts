import type { OpenAPIV3_1 } from "openapi-types";

type Json = Record<string, unknown>;
const prefix = "#/components/schemas/";

/**
 * Tidies the schemas that were generated twice, once as sent and once as answered. Those that
 * nothing refers to go; one that is only sent loses the suffix `Input`; and what is answered does
 * not forbid further properties, so that a later one breaks no client that validates.
 */
export function tidySchemas(document: OpenAPIV3_1.Document): void {
  const schemas = (document.components?.schemas ?? {}) as Record<string, Json>;
  const used = reachable(document.paths, schemas);
  const names = new Map([...used].map((name) => [name, finalName(name, schemas, used)]));
  for (const item of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(item ?? {}) as Json[]) open(operation.responses);
  }
  for (const name of used) if (!isSent(name, schemas)) open(schemas[name]);
  const kept = [...names]
    .map(([name, final]) => [final, schemas[name]] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  document.components = { ...document.components, schemas: Object.fromEntries(kept) as never };
  visit(document, (node) => {
    const name = referenced(node);
    if (name !== undefined) node.$ref = prefix + (names.get(name) ?? name);
  });
}

/** A generated name ends in `Input` when what it stands for is sent. */
function isSent(name: string, schemas: Record<string, Json>): boolean {
  return name.endsWith("Input") && Object.hasOwn(schemas, name.slice(0, -"Input".length));
}

function finalName(name: string, schemas: Record<string, Json>, used: ReadonlySet<string>): string {
  const base = name.slice(0, -"Input".length);
  return isSent(name, schemas) && !used.has(base) ? base : name;
}

function reachable(from: unknown, schemas: Record<string, Json>): Set<string> {
  // Answers to errors refer to this one from the components, not from the paths.
  const found = new Set(["Problem"]);
  const follow = (node: Json) => {
    const name = referenced(node);
    if (name === undefined || found.has(name)) return;
    found.add(name);
    visit(schemas[name], follow);
  };
  visit(from, follow);
  return found;
}

function referenced(node: Json): string | undefined {
  return typeof node.$ref === "string" && node.$ref.startsWith(prefix)
    ? node.$ref.slice(prefix.length)
    : undefined;
}

function open(part: unknown): void {
  visit(part, (node) => {
    if (node.additionalProperties === false) delete node.additionalProperties;
  });
}

function visit(node: unknown, each: (node: Json) => void): void {
  if (typeof node !== "object" || node === null) return;
  if (!Array.isArray(node)) each(node as Json);
  for (const child of Object.values(node)) visit(child, each);
}
