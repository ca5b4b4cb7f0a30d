import swagger from "@fastify/swagger";
import type { RouteOptions } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";
import type { OpenAPIV3_1 } from "openapi-types";
import { z } from "zod";
import { scopes } from "../access/scopes.ts";
import type { App } from "../http/app.ts";
import { ProblemDetails, type ProblemType, problemTitle, problemTypes } from "../http/problems.ts";
import { IDEMPOTENCY_HOURS } from "../http/write.ts";
import { sentToWebhooks } from "../webhooks/document.ts";
import { tidySchemas } from "./components.ts";
import { headerComponents, headersOf } from "./headers.ts";

type Media = OpenAPIV3_1.MediaTypeObject;
type Json = Record<string, unknown>;
type ZodContext = { zodSchema: z.core.$ZodType; jsonSchema: z.core.JSONSchema.BaseSchema };

const description = `Dateline serves news articles with their key points, related links and share counts.

Editors write a working copy; publishing compiles it into an immutable edition; readers and partners get editions alone.

**Keys.** Published articles can be read, and shares recorded, without a key. Everything else takes \`Authorization: Bearer KEY\`. An installation can demand a key for reading, too (\`DATELINE_PUBLIC_READING=off\`); those without one get 401 then.

**Conditional requests.** Every resource has a strong \`ETag\`. A change to an article, or to anything inside it, needs \`If-Match\` with the ETag last seen, or \`*\`.

**Merging.** A change whose \`If-Match\` names an earlier revision is refused with 412, and \`conflicts\` says which of the fields sent were changed by whom since. With \`Prefer: merge\` (RFC 7240) a PATCH or PUT of an article, and any write of its key points or related links, is merged instead: it is applied to the revision that \`If-Match\` names, and what it changes there is brought into the working copy of now, which \`Preference-Applied: merge\` confirms. Each of \`headline\`, \`standfirst\`, \`dateline\`, \`language\`, \`section\`, \`slug\` and \`publishedAt\` merges as one value. \`body\`, \`keyPoints\`, \`relatedLinks\`, \`tags\` and \`authors\` merge item by item, told apart by id: items that different editors added, removed or changed do not collide, nor does a new order with a change inside an item; what two inserted at the same place stands one after the other. It collides, and is 412 with nothing changed, when both changed the same value or item in different ways (removing one that the other changed too), both changed the order of the same list differently, or one removed the block or link that the other refers to. Text inside one block is not merged. When the revision is not kept, as of articles older than their history, the answer is 412 without \`conflicts\`.

**Repeating a POST.** With an \`Idempotency-Key\` a POST is done once, however often it is sent. Successful answers are kept for ${IDEMPOTENCY_HOURS} hours per key and operation, and repeated with \`Idempotency-Replayed: true\`.

**Problems.** Errors are RFC 9457 problem details; each \`type\` leads to its description.

**Text.** Text is kept exactly as sent, in Unicode's NFC. Inline marks stand beside a block's text as ranges over its UTF-16 code units.`;

const tags = [
  { name: "Articles", description: "The working copy and what readers get of it." },
  { name: "Publishing", description: "From the working copy to readers and back." },
  { name: "Key points", description: "What the article says, in a few lines." },
  { name: "Related links", description: "ALSO READ, background and sources." },
  { name: "Revisions", description: "Who changed what in the working copy, and how it was before." },
  { name: "Changes", description: "What changed for readers, for those who keep a copy of it." },
  { name: "Shares", description: "How often an article was shared, per network." },
  { name: "Feeds", description: "What is published, in the forms that readers and search engines know." },
  { name: "Previews", description: "The working copy as readers will see it." },
  { name: "Imports", description: "Articles from what was saved elsewhere." },
  { name: "Trash", description: "What was deleted, until it is purged." },
  { name: "Bulk", description: "Many operations in one request." },
  { name: "Transfer", description: "From one installation to another." },
  { name: "Taxonomy", description: "Sections, tags and authors." },
  { name: "Desk", description: "Who is at work on an article, and what they say of it to each other." },
  { name: "Webhooks", description: "Addresses that are told of every change." },
  { name: "Recall", description: "Which partners have an article, and know that it was taken back." },
  { name: "Keys", description: "Who may do what." },
  { name: "Audit", description: "Who did what, when and from where." },
  { name: "Operations", description: "For those who run Dateline." },
];

/** Describes the application as OpenAPI 3.1, from the zod schemas of its routes. Register before the routes. */
export async function describeApi(app: App): Promise<void> {
  const transform = createJsonSchemaTransform({ zodToJsonConfig: { override: published } });
  const transformObject = createJsonSchemaTransformObject({ zodToJsonConfig: { override: published } });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.1",
      info: {
        title: "Dateline",
        version: "1.0.0",
        description,
        license: { name: "Apache 2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/", description: "This server" }],
      tags,
      webhooks: sentToWebhooks,
      components: {
        securitySchemes: {
          key: {
            type: "http",
            scheme: "bearer",
            description: `A key. Its scopes say what it may do: ${Object.entries(scopes)
              .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
              .join(" ")}`,
          },
        },
      },
    },
    transform: (route) => {
      const found = transform(route) as { schema: Json; url: string };
      return route.schema?.hide === true ? found : { ...found, schema: described(found.schema, route.route) };
    },
    transformObject: (document) =>
      finished(transformObject(document as never) as OpenAPIV3_1.Document) as never,
  });
}

/**
 * What zod writes into the document, without patterns of a screen's width for what a format says,
 * and with the examples that it leaves out of what is sent where something in it is transformed.
 */
function published({ zodSchema, jsonSchema }: ZodContext): void {
  const examples = z.globalRegistry.get(zodSchema)?.examples;
  if (Array.isArray(examples)) jsonSchema.examples = examples;
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}

/** Adds what follows from how a route is declared: who may call it, its headers and its problems. */
function described(schema: Json, route: RouteOptions): Json {
  const {
    access = "public",
    alsoFor,
    precondition,
    merges = false,
    cached,
    problems = [],
  } = route.config ?? {};
  const consumes = route.config?.consumes ?? ["application/json"];
  const method = [route.method].flat()[0] ?? "GET";
  const has = (part: string) => schema[part] !== undefined;
  const needsKey = access !== "public";
  const scopesNeeded = access === "public" || access === "key" ? [] : [access].flat();
  const inferred: ProblemType[] = [
    "malformed-request",
    ...(has("querystring") || has("body") || has("params") ? (["invalid-parameter"] as const) : []),
    "key-in-address",
    "address-too-long",
    "headers-too-large",
    "key-invalid",
    ...(needsKey ? (["key-required"] as const) : []),
    ...(scopesNeeded.length === 0 ? [] : (["scope-missing", "out-of-reach"] as const)),
    ...(alsoFor === undefined ? [] : (["key-required", "scope-missing"] as const)),
    ...(has("body") ? (["content-too-large", "invalid-content"] as const) : []),
    ...(precondition === undefined ? [] : (["precondition-failed"] as const)),
    ...(precondition === "required" ? (["precondition-required"] as const) : []),
    ...(method === "POST" ? (["still-running", "idempotency-key-reused", "invalid-parameter"] as const) : []),
    // A body that nobody asked for is refused too.
    "unsupported-media-type",
    "not-acceptable",
    "request-timeout",
    "too-many-requests",
    "internal-error",
    "unavailable",
  ];
  const names = [...new Set([...inferred, ...problems])];
  const security = needsKey ? [{ key: [] }] : alsoFor === undefined ? [] : [{}, { key: [] }];
  const notes = [
    scopesNeeded.length > 0
      ? `Needs the scope ${scopesNeeded.map((scope) => `\`${scope}\``).join(" or ")}.`
      : needsKey
        ? "Needs a key."
        : "",
    alsoFor === undefined ? "" : `A key with \`${alsoFor}\` may do more.`,
  ];
  return {
    ...schema,
    security,
    description: [schema.description, ...notes]
      .filter((note) => note !== undefined && note !== "")
      .join("\n\n"),
    ...(has("body") ? { consumes } : {}),
    "x-scopes": [...scopesNeeded, ...(alsoFor === undefined ? [] : [alsoFor])],
    "x-problems": names,
    "x-headers": { precondition, merges, cached: cached ?? false, method },
  };
}

/** Finishes each operation: parameters in headers, answers' headers, problems and examples. */
function finished(document: OpenAPIV3_1.Document): OpenAPIV3_1.Document {
  tidySchemas(document);
  const schemas = (document.components?.schemas ?? {}) as Record<string, Json>;
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const operation of Object.values(item ?? {}) as Json[]) finishOperation(path, operation, schemas);
  }
  return {
    ...document,
    components: {
      ...document.components,
      headers: headerComponents,
      parameters,
      responses: problemResponses(),
    },
  } as OpenAPIV3_1.Document;
}

/** Whether what is at a path has an entity tag: the API, and the pages of articles. */
function hasTag(path: string): boolean {
  return /^\/(v1|a)\//.test(path);
}

function finishOperation(path: string, operation: Json, schemas: Record<string, Json>): void {
  const { precondition, merges, method } = operation["x-headers"] as {
    precondition?: string;
    merges: boolean;
    method: string;
  };
  const names = operation["x-problems"] as ProblemType[];
  delete operation["x-headers"];
  delete operation["x-problems"];
  if ((operation["x-scopes"] as string[]).length === 0) delete operation["x-scopes"];

  // A stream of events is never the same twice.
  const isRevalidated = method === "GET" && hasTag(path) && !isStream(operation);
  const inHeader: string[] = [
    ...(precondition === undefined ? [] : [precondition === "required" ? "IfMatchRequired" : "IfMatch"]),
    ...(merges ? ["Prefer"] : []),
    ...(method === "POST" ? ["IdempotencyKey"] : []),
    ...(isRevalidated ? ["IfNoneMatch"] : []),
  ];
  operation.parameters = [
    ...((operation.parameters ?? []) as Json[]).map(withExample),
    ...inHeader.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];

  const body = operation.requestBody as OpenAPIV3_1.RequestBodyObject | undefined;
  for (const media of Object.values(body?.content ?? {})) addExample(media, schemas);
  const declared: Record<string, OpenAPIV3_1.ResponseObject> = {
    ...(operation.responses as Record<string, OpenAPIV3_1.ResponseObject> | undefined),
  };
  if (isRevalidated) declared["304"] = { description: "The caller has it already." };
  if (method === "GET" && /^\/(v1\/articles|a)\//.test(path))
    declared["301"] = { description: "The article has another slug now." };
  const responses: Json = {};
  for (const [status, found] of Object.entries(declared)) {
    const answer = finishResponse(Number(status), found, schemas);
    const types = Object.keys(answer.content ?? {});
    responses[status] = {
      ...answer,
      headers: headersOf({ status: Number(status), operation: { method, path, types, merges } }),
    };
  }
  for (const name of names) {
    const { status } = problemTypes[name];
    responses[status] = { $ref: `#/components/responses/Problem${status}` };
  }
  operation.responses = responses;
}

function isStream({ responses }: Json): boolean {
  const { 200: found } = (responses ?? {}) as Record<string, OpenAPIV3_1.ResponseObject | undefined>;
  return found?.content?.["text/event-stream"] !== undefined;
}

function finishResponse(
  status: number,
  response: OpenAPIV3_1.ResponseObject,
  schemas: Record<string, Json>,
): OpenAPIV3_1.ResponseObject {
  const meanings: Record<number, string> = {
    200: "The answer.",
    201: "It was made.",
    204: "It was done; there is nothing to say.",
  };
  const meaning = meanings[status] ?? response.description;
  if (status === 204) return { description: meaning };

  for (const media of Object.values(response.content ?? {})) addExample(media, schemas);
  return { ...response, description: meaning };
}

/** The example of a schema is the example of what has it. */
function addExample(media: Media, schemas: Record<string, Json>): void {
  const schema = media.schema as Json | undefined;
  const reference = typeof schema?.$ref === "string" ? schemas[schema.$ref.split("/").at(-1) ?? ""] : schema;
  const examples = reference?.examples as unknown[] | undefined;
  if (examples?.[0] !== undefined) media.example = examples[0];
}

const pathExamples: Record<string, string> = {
  article: "talks-conclude-in-istanbul",
  id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  key: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
  network: "whatsapp",
  term: "world",
  revision: "7",
  other: "8",
  edition: "1",
  name: "not-found",
  token: "q1vTm3kZ0aXx8mV2b4nD6VswMTk5YjJhMC01ZjVhLTdjMTEtOWQwZS02ZjFiOGEzYzJkNGUiLDE3NDQzNjU2MDBd",
};

/** Examples of parameters stand at the parameter, where tools look for them. */
function withExample(parameter: Json): Json {
  const { examples, ...schema } = (parameter.schema ?? {}) as Json & { examples?: unknown[] };
  const example = parameter.example ?? examples?.[0] ?? pathExamples[String(parameter.name)];
  return { ...parameter, schema, ...(example === undefined ? {} : { example }) };
}

const text = { type: "string" } as const;
const parameters = {
  IfMatchRequired: {
    name: "If-Match",
    in: "header",
    required: false,
    description: "The ETag last seen, or `*`. Without it the answer is 428.",
    schema: text,
    example: "*",
  },
  IfMatch: {
    name: "If-Match",
    in: "header",
    description: "The ETag last seen, to be told of changes since.",
    schema: text,
    example: "*",
  },
  Prefer: {
    name: "Prefer",
    in: "header",
    description:
      "`merge`: when If-Match is out of date, merge with what has changed since. `Preference-Applied: merge` says that it was done.",
    schema: text,
    example: "merge",
  },
  IfNoneMatch: {
    name: "If-None-Match",
    in: "header",
    description: "ETags that the caller has; if one fits the answer is 304.",
    schema: text,
    example: '"q1vTm3kZ0aXx8mV2b4nD6Q"',
  },
  IdempotencyKey: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Makes repeating the request harmless; any string of up to 255 characters, new for each thing to be done.",
    schema: text,
    example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
  },
} as const;

/** One response for each status, with an example of each problem that has it. */
function problemResponses(): Json {
  const byStatus = Object.groupBy(Object.entries(problemTypes), ([, { status }]) => String(status));
  const samples = (ProblemDetails.meta()?.examples ?? []) as Json[];
  const { errors: _, ...plain } = samples[0] ?? {};
  return Object.fromEntries(
    Object.entries(byStatus)
      // Whether a method exists is not a matter of any operation.
      .filter(([status]) => status !== "405")
      .map(([status, types = []]) => [
        `Problem${status}`,
        {
          description: types.map(([name, { meaning }]) => `\`${name}\`: ${meaning}`).join(" "),
          headers: headersOf({ status: Number(status) }),
          content: {
            "application/problem+json": {
              schema: { $ref: "#/components/schemas/Problem" },
              examples: Object.fromEntries(
                types.map(([name, { meaning }]) => {
                  const type = `/problems/${name}`;
                  const value: Json = {
                    ...(samples.find((sample) => sample.type === type) ?? plain),
                    type,
                    title: problemTitle(name as ProblemType),
                    status: Number(status),
                    detail: meaning,
                  };
                  return [name, { value }];
                }),
              ),
            },
          },
        },
      ]),
  );
}
