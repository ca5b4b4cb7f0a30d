import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** A JSON Schema (2020-12) as far as the document makes use of it. */
export interface Schema {
  $ref?: string;
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  pattern?: string;
  format?: string;
  examples?: unknown[];
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  schema: Schema;
  example?: unknown;
}

interface Media {
  schema: Schema;
  example?: unknown;
}

interface DeclaredAnswer {
  content?: Record<string, Media>;
  headers?: Record<string, unknown>;
}

export interface Operation {
  id: string;
  /** In capitals. */
  method: string;
  /** With its parameters in braces. */
  path: string;
  parameters: Parameter[];
  /** What it takes, by media type. */
  body: Record<string, Media> | undefined;
  answers: Record<string, DeclaredAnswer>;
  /** The scope that it needs first, if any; without a key it answers 401 where `needsKey`. */
  scopes: string[];
  needsKey: boolean;
}

/** An answer as far as it is held against the document. */
export interface Answer {
  status: number;
  /** By their names in small letters. */
  headers: Record<string, string | string[] | undefined>;
  text?: string;
}

export interface Contract {
  operations: Operation[];
  /** The operation that a path is meant for; one without parameters before one with them. */
  operationAt: (method: string, path: string) => Operation | undefined;
  /** The schema that a reference leads to, or the schema itself. */
  resolve: (schema: Schema) => Schema;
  /** What of a value a schema forbids, in words. */
  schemaFault: (schema: Schema, value: unknown) => string | undefined;
  /** What of an answer the document does not allow: its status, its media type or its body. */
  faultOf: (method: string, path: string, answer: Answer) => string | undefined;
  /** The names of an answer's headers that the document does not mention with it. */
  undeclaredHeaders: (method: string, path: string, answer: Answer) => string[];
}

interface DocumentedOperation {
  operationId: string;
  parameters?: (Parameter | { $ref: string })[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, DeclaredAnswer | { $ref: string }>;
  security?: object[];
  "x-scopes"?: string[];
}

interface Document {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: object;
}

/** What no operation serves (a wrong method, an unknown address) is a problem all the same. */
const UNROUTED: DeclaredAnswer = {
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  headers: { "X-Request-Id": {}, "Cache-Control": {}, Allow: {} },
};

/** What is no matter of any operation: whether a method exists, and what was no whole request. */
const OF_NO_OPERATION = new Set([405, 408, 431]);

/** Browsers ask what they may send before they send it (Fetch's CORS protocol). */
const PREFLIGHT: DeclaredAnswer = { headers: { "X-Request-Id": {}, Vary: {} } };

/** Headers of the message and of the connection (RFC 9110, 9112), and what browsers are told (Fetch, helmet). */
const OF_EVERY_ANSWER = new RegExp(
  `^(${[
    "connection|content-length|content-type|date|keep-alive|transfer-encoding",
    "access-control-.+|content-security-policy|cross-origin-.+|origin-agent-cluster|referrer-policy",
    "strict-transport-security|x-(content-type-options|dns-prefetch-control|download-options|frame-options)",
    "x-(permitted-cross-domain-policies|robots-tag|xss-protection)",
  ].join("|")})$`,
);

/** Reads an OpenAPI 3.1 document, so that requests can be made from it and answers be held against it. */
export function readContract(openapi: object): Contract {
  const document = openapi as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat("iri", (text) => URL.canParse(text));
  ajv.addSchema({ $id: "openapi", components: document.components });
  const validators = new Map<string, ValidateFunction>();

  function target<Found extends object>(part: Found | { $ref: string }): Found {
    if (!("$ref" in part)) return part;
    const steps = part.$ref.replace("#/", "").split("/");
    return steps.reduce<unknown>((node, step) => (node as Record<string, unknown>)[step], document) as Found;
  }

  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Operation => {
      const { security = [] } = operation;
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []).map((one) => target<Parameter>(one)),
        body: operation.requestBody?.content,
        answers: Object.fromEntries(
          Object.entries(operation.responses).map(([status, answer]) => [status, target(answer)]),
        ),
        scopes: operation["x-scopes"] ?? [],
        needsKey: security.length > 0 && security.every((one) => Object.keys(one).length > 0),
      };
    }),
  );
  // The nearest match is the one with the most segments that are fixed.
  const fixed = ({ path }: Operation) => path.split("/").filter((segment) => !segment.startsWith("{")).length;
  const patterns = operations
    .toSorted((one, other) => fixed(other) - fixed(one))
    .map((operation) => ({
      operation,
      pattern: new RegExp(`^${operation.path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]*")}$`),
    }));

  function operationAt(method: string, path: string) {
    const wanted = method === "HEAD" ? "GET" : method;
    return patterns.find(({ operation, pattern }) => operation.method === wanted && pattern.test(path))
      ?.operation;
  }

  function declared(method: string, path: string, status: number): DeclaredAnswer | undefined {
    if (method === "OPTIONS" && status === 204) return PREFLIGHT;
    if (OF_NO_OPERATION.has(status)) return UNROUTED;
    const operation = operationAt(method, path);
    return operation === undefined ? UNROUTED : operation.answers[status];
  }

  function schemaOf(schema: Schema): Schema {
    return schema.$ref === undefined ? schema : target<Schema>({ $ref: schema.$ref });
  }

  function validatorOf(schema: Schema): ValidateFunction {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/');
    const known = validators.get(text);
    if (known !== undefined) return known;
    const validate = ajv.compile(JSON.parse(text) as object);
    validators.set(text, validate);
    return validate;
  }

  function schemaFault(schema: Schema, value: unknown): string | undefined {
    const validate = validatorOf(schema);
    return validate(value) ? undefined : ajv.errorsText(validate.errors);
  }

  function faultOf(method: string, path: string, { status, headers, text = "" }: Answer): string | undefined {
    const found = declared(method, path, status);
    if (found === undefined) return "the status is not declared";
    const { content } = found;
    if (method === "HEAD" || content === undefined)
      return content === undefined && text !== "" ? "a body where none is declared" : undefined;
    const type = String(headers["content-type"] ?? "").split(";")[0] ?? "";
    const media = content[type];
    if (media === undefined) return `the media type ${type} is not declared`;
    if (!/[/+](x-nd)?json$/.test(type)) return undefined;
    // Lines have the schema one by one, unless it is that of the whole text.
    if (schemaOf(media.schema).type === "string") return undefined;
    for (const one of type.endsWith("ndjson") ? text.trimEnd().split("\n") : [text]) {
      const fault = one === "" ? undefined : schemaFault(media.schema, JSON.parse(one));
      if (fault !== undefined) return `${fault} in ${one.slice(0, 300)}`;
    }
    return undefined;
  }

  function undeclaredHeaders(method: string, path: string, { status, headers }: Answer): string[] {
    const names = new Set(
      Object.keys(declared(method, path, status)?.headers ?? {}).map((name) => name.toLowerCase()),
    );

    return Object.keys(headers).filter((name) => !OF_EVERY_ANSWER.test(name) && !names.has(name));
  }

  return {
    operations,
    operationAt,
    resolve: schemaOf,
    schemaFault,
    faultOf,
    undeclaredHeaders,
  };
}
