import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

interface Media {
  schema?: object;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Response {
  $ref?: string;
  description?: string;
  content?: Record<string, Media>;
  headers?: object;
}
interface Operation {
  operationId?: string;
  summary?: string;
  tags?: string[];
  parameters?: {
    $ref?: string;
    name?: string;
    in?: string;
    example?: unknown;
    required?: boolean;
    schema?: { default?: unknown };
  }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, Response>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>>; responses: Record<string, Response> };
}

let document: Document;
let operations: { name: string; path: string; method: string; operation: Operation }[] = [];

beforeAll(async () => {
  document = (await newsroom.reader.get("/openapi.json")).body as Document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method} ${path}`,
      path,
      method,
      operation,
    })),
  );
});

/** What does not hold for some operation, by name; expected to be nothing. */
const violations = (holds: (one: (typeof operations)[number]) => boolean) =>
  operations.filter((one) => !holds(one)).map(({ name }) => name);
const statusesOf = (operation: Operation) => Object.keys(operation.responses);

describe("the OpenAPI document", () => {
  it("is OpenAPI 3.1", () => {
    expect(document.openapi).toMatch(/^3\.1\.\d$/);
  });

  it("is the same in JSON and in YAML", async () => {
    const yaml = await newsroom.reader.get("/openapi.yaml").buffer(true);
    expect(yaml.headers["content-type"]).toBe("application/yaml");
    const text = await (await fetch(`${newsroom.url}/openapi.yaml`)).text();
    expect(parse(text)).toEqual(document);
  });

  it("passes Redocly's strict rules", async () => {
    const folder = await mkdtemp(join(tmpdir(), "dateline-openapi-"));
    const file = join(folder, "openapi.yaml");
    try {
      await writeFile(file, await (await fetch(`${newsroom.url}/openapi.yaml`)).text());
      const redocly = join(import.meta.dirname, "../../node_modules/@redocly/cli/bin/cli.js");
      const environment = {
        ...process.env,
        REDOCLY_TELEMETRY: "off",
        REDOCLY_SUPPRESS_UPDATE_NOTICE: "true",
      };
      const lint = promisify(execFile)(
        process.execPath,
        [redocly, "lint", "--extends=recommended-strict", "--format=json", file],
        { env: environment },
      );
      const { stdout } = await lint.catch((error: unknown) => error as { stdout: string });
      expect(JSON.parse(stdout)).toMatchObject({ totals: { errors: 0, warnings: 0 } });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("names every operation once, in words of its own", () => {
    expect(violations(({ operation }) => /^[a-z][A-Za-z]+$/.test(operation.operationId ?? ""))).toEqual([]);
    expect(
      violations(({ operation }) => (operation.summary?.length ?? 0) > 5 && operation.tags?.length === 1),
    ).toEqual([]);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has an example of every body that is sent", () => {
    const sent = operations.flatMap(({ name, operation }) =>
      Object.entries(operation.requestBody?.content ?? {}).map(([type, media]) => ({
        name: `${name} ${type}`,
        media,
      })),
    );
    expect(sent.length).toBeGreaterThan(15);
    expect(sent.filter(({ media }) => media.example === undefined).map(({ name }) => name)).toEqual([]);
  });

  it("has an example of every answer that has a body", () => {
    const answered = operations.flatMap(({ name, operation }) =>
      Object.entries(operation.responses).flatMap(([status, response]) =>
        Object.values(response.content ?? {}).map((media) => ({ name: `${name} ${status}`, media })),
      ),
    );
    expect(
      answered
        .filter(({ media }) => media.example === undefined && media.examples === undefined)
        .map(({ name }) => name),
    ).toEqual([]);
  });

  it("has an example of every parameter", () => {
    const lacking = operations.flatMap(({ name, operation }) =>
      (operation.parameters ?? [])
        .filter(
          (one) =>
            one.$ref === undefined &&
            one.example === undefined &&
            one.schema?.default === undefined &&
            one.name !== "cursor",
        )
        .map((one) => `${name} ${one.name}`),
    );
    expect(lacking).toEqual([]);
  });

  it("declares the errors of each operation, each a problem with examples", () => {
    expect(
      violations(({ operation }) =>
        ["406", "429", "500", "503"].every((status) => statusesOf(operation).includes(status)),
      ),
    ).toEqual([]);
    const bodies = operations.filter(({ operation }) => operation.requestBody !== undefined);
    for (const { name, operation } of bodies)
      expect({ name, statuses: statusesOf(operation) }).toEqual({
        name,
        statuses: expect.arrayContaining(["400", "413", "415", "422"]),
      });
    for (const { path, name, operation } of operations) {
      if (/^\/v1\/.*\{/.test(path))
        expect({ name, statuses: statusesOf(operation) }).toEqual({
          name,
          statuses: expect.arrayContaining(["404"]),
        });
      for (const [status, response] of Object.entries(operation.responses)) {
        // Readers of a page get their errors as pages.
        if (Number(status) >= 400 && response.content?.["text/html"] === undefined)
          expect({ name, ...response }).toEqual({ name, $ref: `#/components/responses/Problem${status}` });
      }
    }
    for (const response of Object.values(document.components.responses)) {
      const media = response.content?.["application/problem+json"];
      expect(media?.schema).toEqual({ $ref: "#/components/schemas/Problem" });
      expect(Object.keys(media?.examples ?? {}).length).toBeGreaterThan(0);
    }
  });

  it("declares 415 everywhere, since a body may be sent where there is none to read", async () => {
    expect(violations(({ operation }) => statusesOf(operation).includes("415"))).toEqual([]);
    const answer = await newsroom.reader.get("/v1/articles").set("Content-Encoding", "gzip");
    expect(answer.status).toBe(415);
  });

  it("declares 428 and 412 where If-Match is demanded, and Idempotency-Key on every POST", () => {
    const headersOf = (operation: Operation) =>
      (operation.parameters ?? []).map(({ $ref }) => $ref?.split("/").at(-1));
    const changes = operations.filter(
      ({ path, method }) =>
        path.startsWith("/v1/articles/") &&
        // Who is in an article is no part of it, nor is a link to its preview.
        !/\/(editing|previews\/\{id\})$/.test(path) &&
        ["patch", "put", "delete"].includes(method),
    );
    expect(changes.length).toBeGreaterThanOrEqual(11);
    for (const { name, operation } of changes) {
      expect({ name, headers: headersOf(operation) }).toEqual({
        name,
        headers: expect.arrayContaining(["IfMatchRequired"]),
      });
      expect({ name, statuses: statusesOf(operation) }).toEqual({
        name,
        statuses: expect.arrayContaining(["412", "428"]),
      });
    }
    expect(
      violations(
        ({ method, operation }) => method !== "post" || headersOf(operation).includes("IdempotencyKey"),
      ),
    ).toEqual([]);
    expect(
      violations(
        ({ method, path, operation }) =>
          method !== "get" ||
          !path.startsWith("/v1/") ||
          // A stream of events is never the same twice.
          operation.responses[200]?.content?.["text/event-stream"] !== undefined ||
          statusesOf(operation).includes("304"),
      ),
    ).toEqual([]);
  });

  it("declares the path parameters that paths have, and no others", () => {
    expect(
      violations(({ path, operation }) => {
        const declared = (operation.parameters ?? [])
          .filter((one) => one.in === "path")
          .map(({ name }) => `{${name}}`);
        return (
          JSON.stringify(declared.toSorted()) === JSON.stringify((path.match(/\{\w+\}/g) ?? []).toSorted())
        );
      }),
    ).toEqual([]);
  });

  it("refers only to what it has", () => {
    const missing = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].filter(
      ([, path = ""]) => {
        const found = path
          .split("/")
          .reduce<unknown>((node, step) => (node as Record<string, unknown> | undefined)?.[step], document);
        return found === undefined;
      },
    );
    expect(missing.map(([reference]) => reference)).toEqual([]);
  });

  it("publishes the limits", () => {
    const { ArticleWrite, KeyWrite } = document.components.schemas as Record<
      string,
      { properties: Record<string, Record<string, unknown>>; additionalProperties?: boolean }
    >;
    expect(ArticleWrite?.properties.headline).toMatchObject({ maxLength: 500, minLength: 1 });
    expect(ArticleWrite?.properties.keyPoints).toMatchObject({ maxItems: 100 });
    expect(KeyWrite?.properties.name).toMatchObject({ maxLength: 200 });
    expect(ArticleWrite?.additionalProperties).toBe(false);
  });

  it("forbids no further properties in what is answered, so that a new one breaks nobody", () => {
    for (const name of [
      "Article",
      "ArticleList",
      "Key",
      "NewKey",
      "ShareCount",
      "KeyPoint",
      "RelatedLink",
      "Section",
      "Problem",
    ]) {
      expect({ name, closed: document.components.schemas[name]?.additionalProperties }).toEqual({
        name,
        closed: undefined,
      });
    }
  });
});

describe("the page of the documentation", () => {
  const load = async (path: string) => {
    const response = await fetch(new URL(path, `${newsroom.url}/docs/`));
    return {
      status: response.status,
      type: response.headers.get("content-type") ?? "",
      url: response.url,
      text: await response.text(),
    };
  };

  it("is served, with a title", async () => {
    const page = await load("/docs");
    expect(page.status).toBe(200);
    expect(page.type).toMatch(/^text\/html/);
    expect(page.text).toMatch(/<title>[^<]+<\/title>/);
  });

  it("refers to nothing outside, and to nothing that is not there", async () => {
    const page = await load("/docs");
    expect(page.text).not.toMatch(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z]/i);
    const references = [...page.text.matchAll(/(?:src|href)="([^"]+)"|"url": "([^"]+)"/g)].map(
      ([, address, url]) => address ?? url ?? "",
    );
    expect(references).toEqual(expect.arrayContaining(["/openapi.json"]));
    for (const reference of references) {
      const found = await load(new URL(reference, page.url).href);
      expect({ reference, status: found.status, isEmpty: found.text === "" }).toEqual({
        reference,
        status: 200,
        isEmpty: false,
      });
    }
  });

  it("calls on no one else's fonts, telemetry or assistants", async () => {
    const { text } = await load("/docs");
    const configuration = JSON.parse(
      /createApiReference\('#app', (\{[\s\S]*?\n {6}\})\)/.exec(text)?.[1] ?? "{}",
    ) as object;
    expect(configuration).toMatchObject({
      withDefaultFonts: false,
      telemetry: false,
      hideClientButton: true,
      agent: { disabled: true },
      mcp: { disabled: true },
    });
    expect(configuration).not.toHaveProperty("proxyUrl");
  });
});
