import { hash } from "node:crypto";
import Fastify from "fastify";
import { stringify } from "yaml";
import { z } from "zod";
import type { App } from "../http/app.ts";
import { type Sendable, sendBytes, sendable, textOf } from "../http/bytes.ts";
import { documentGuards } from "../http/guard.ts";
import { problem, problemTitle, type ProblemType, problemTypes } from "../http/problems.ts";

const tags = ["Operations"];
const forAnHour = { "cache-control": "public, max-age=3600" };

const ProblemDescription = z
  .object({ type: z.string(), title: z.string(), status: z.int(), meaning: z.string() })
  .meta({
    id: "ProblemDescription",
    examples: [
      {
        type: "/problems/not-found",
        title: "Not found",
        status: 404,
        meaning: problemTypes["not-found"].meaning,
      },
    ],
  });

const DocumentAsJson = z.looseObject({ openapi: z.string() }).meta({ examples: [{ openapi: "3.1.1" }] });
const DocumentAsYaml = z.string().meta({ examples: ["openapi: 3.1.1"] });
const documentAs = (type: string, schema: z.ZodType) => ({
  description: "The OpenAPI document.",
  content: { [type]: { schema } },
});

/** The OpenAPI document, a page to browse it with, and what each problem's `type` leads to. */
export function docsRoutes(app: App): void {
  app.get(
    "/openapi.json",
    {
      schema: {
        operationId: "getOpenApiJson",
        summary: "Fetch this document as JSON",
        tags,
        response: { 200: documentAs("application/json", DocumentAsJson) },
      },
    },
    async (_request, reply) =>
      reply.headers(forAnHour).type("application/json").serializer(JSON.stringify).send(app.swagger()),
  );

  app.get(
    "/openapi.yaml",
    {
      schema: {
        operationId: "getOpenApiYaml",
        summary: "Fetch this document as YAML",
        tags,
        response: { 200: documentAs("application/yaml", DocumentAsYaml) },
      },
      config: { produces: ["application/yaml", "text/yaml", "text/plain"] },
    },
    async (_request, reply) =>
      reply.headers(forAnHour).type("application/yaml").serializer(String).send(openApiYaml(app)),
  );

  app.get(
    "/problems/:name",
    {
      schema: {
        operationId: "describeProblem",
        summary: "What a problem's type means",
        tags,
        params: z.object({ name: z.string().describe("The last part of the `type`.") }),
        response: { 200: ProblemDescription },
      },
      config: { problems: ["not-found"] },
    },
    async (request, reply) => {
      const { name } = request.params;
      if (!Object.hasOwn(problemTypes, name)) throw problem("not-found", `There is no problem type ${name}.`);
      const type = name as ProblemType;
      return reply
        .headers(forAnHour)
        .send({ type: `/problems/${type}`, title: problemTitle(type), ...problemTypes[type] });
    },
  );

  browserRoutes(app);
}

/** The page by Scalar, and its script. Without what would call on others' servers. */
function browserRoutes(app: App): void {
  const schema = { hide: true };
  // Scalar comes as 19 MB of strings, which a process does not hold before somebody opens the page.
  let opened: Promise<Map<string, Sendable>> | undefined;
  const load = async () => {
    const [{ default: scalar }, docs] = [await import("@scalar/fastify-api-reference"), Fastify()];
    await docs.register(scalar, {
      routePrefix: "/docs",
      configuration: {
        url: "/openapi.json",
        title: "Dateline",
        withDefaultFonts: false,
        telemetry: false,
        hideClientButton: true,
        showDeveloperTools: "never",
        agent: { disabled: true },
        mcp: { disabled: true },
      },
    });
    const files = pages.map(async ({ path }) => [path, sendable((await docs.inject(path)).body)] as const);
    return new Map(await Promise.all(files));
  };
  /** The page's own script is known by its hash; no other that got into it would run. */
  const policyFor = (page: Sendable) => {
    const scripts = textOf(page).matchAll(/<script\b(?![^>]*\ssrc=)[^>]*>([^]*?)<\/script>/g);
    const hashes = [...scripts].map(([, script = ""]) => `'sha256-${hash("sha256", script, "base64")}'`);
    return documentGuards({
      "script-src": ["'self'", ...hashes].join(" "),
      "style-src": "'self' 'unsafe-inline'",
      "img-src": "'self' data: blob:",
      "font-src": "'self' data:",
      "connect-src": "'self'",
    });
  };

  app.get("/docs", { schema }, (_request, reply) => reply.headers(forAnHour).redirect("/docs/", 301));
  for (const { path, type } of pages) {
    app.get(path, { schema, config: { produces: [type] } }, async (request, reply) => {
      opened ??= load();
      const file = (await opened).get(path);
      if (file === undefined) throw new Error(`Scalar has no ${path}`);
      const guarded = type === "text/html" ? policyFor(file) : {};
      return sendBytes(request, reply, file, {
        ...forAnHour,
        "content-type": `${type}; charset=utf-8`,
        ...guarded,
      });
    });
  }
}

const pages = [
  { path: "/docs/", type: "text/html" },
  { path: "/docs/js/scalar.js", type: "text/javascript" },
];

/** The document as it is checked in: `openapi.yaml`. */
export function openApiYaml(app: App): string {
  return stringify(app.swagger(), { lineWidth: 110, aliasDuplicateObjects: false });
}
