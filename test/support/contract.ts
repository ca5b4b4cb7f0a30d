import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { EventEmitter } from "node:events";
import type TestAgent from "supertest/lib/agent.js";
import { afterEach, expect } from "vitest";

type Json = Record<string, unknown>;

interface Operation {
  method: string;
  path: RegExp;
  /** How many of its segments are fixed, for the nearest match. */
  fixed: number;
  responses: Record<string, Json>;
}

let operations: Operation[] = [];
let document: Json = {};
const validators = new Map<string, ValidateFunction>();
const violations: string[] = [];
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);

/** Takes in the OpenAPI document that answers are held against. */
export function learnContract(openapi: object): void {
  document = openapi as Json;
  validators.clear();
  ajv.removeSchema("openapi");
  ajv.addSchema({ $id: "openapi", components: document.components });
  const paths = document.paths as Record<string, Record<string, { responses: Record<string, Json> }>>;
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { responses }]) => ({
      method: method.toUpperCase(),
      path: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
      fixed: path.split("/").filter((segment) => !segment.startsWith("{")).length,
      responses,
    })),
  );
}

/** Holds every answer that an agent gets against the document. */
export function checkAnswers(agent: TestAgent): TestAgent {
  return agent.use((request: EventEmitter) => {
    request.on("response", (response: { status: number; text?: string; headers: Record<string, string> }) => {
      const { method, url } = request as unknown as { method: string; url: string };
      const fault = faultOf(method, new URL(url).pathname, response);
      if (fault !== undefined) violations.push(`${method} ${url} ${response.status}: ${fault}`);
    });
  });
}

/** Every answer in the whole suite is valid against the document: what is not fails the test that saw it. */
afterEach(() => {
  expect(violations.splice(0), "answers that the OpenAPI document does not allow").toEqual([]);
});

function faultOf(
  method: string,
  path: string,
  response: { status: number; text?: string; headers: Record<string, string> },
) {
  const operation = operations
    .filter((one) => one.path.test(path) && one.method === (method === "HEAD" ? "GET" : method))
    .toSorted((a, b) => b.fixed - a.fixed)[0];
  // What no operation serves (a wrong method, an unknown address) is a problem all the same.
  const declared =
    operation === undefined ? { content: problemContent } : resolve(operation.responses[response.status]);
  if (declared === undefined) return `the status is not declared`;
  const content = declared.content as Record<string, { schema: object }> | undefined;
  const type = (response.headers["content-type"] ?? "").split(";")[0] ?? "";
  const body = response.text ?? "";
  if (method === "HEAD" || content === undefined)
    return content === undefined && body !== "" ? "a body where none is declared" : undefined;
  const media = content[type];
  if (media === undefined) return `the media type ${type} is not declared`;
  if (!/[/+]json$/.test(type)) return undefined;
  const validate = validatorOf(media.schema);
  const documents = type.endsWith("ndjson") ? body.trimEnd().split("\n") : [body];
  const wrong = documents.find((text) => text !== "" && !validate(JSON.parse(text)));
  return wrong === undefined ? undefined : `${ajv.errorsText(validate.errors)} in ${wrong.slice(0, 300)}`;
}

const problemContent = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

function resolve(response: Json | undefined): Json | undefined {
  const reference = response?.$ref;
  if (typeof reference !== "string") return response;
  const responses = (document.components as { responses: Record<string, Json> }).responses;
  return responses[reference.split("/").at(-1) ?? ""];
}

function validatorOf(schema: object): ValidateFunction {
  const text = JSON.stringify(schema).replaceAll('"#/components/', '"openapi#/components/');
  const known = validators.get(text);
  if (known !== undefined) return known;
  const validate = ajv.compile(JSON.parse(text) as object);
  validators.set(text, validate);
  return validate;
}
