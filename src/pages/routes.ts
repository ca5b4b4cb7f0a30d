import { z } from "zod";
import type { App } from "../http/app.ts";
import { problem } from "../http/problems.ts";
import { stylesheet } from "./stylesheet.ts";

/** RFC 8246: what has its hash in its address never changes. */
const forEver = { "cache-control": "public, max-age=31536000, immutable" };

/** What pages are made with. */
export function pageRoutes(app: App): void {
  app.get(
    "/styles/:name",
    {
      schema: {
        operationId: "getStylesheet",
        summary: "The stylesheet of pages",
        description: "Pages name its address, which has its content's hash and may be kept for ever.",
        tags: ["Previews"],
        params: z.object({ name: z.string().describe("As the page names it.") }),
        response: {
          200: {
            description: "The stylesheet.",
            content: { "text/css": { schema: z.string().meta({ examples: ["article { margin: auto; }"] }) } },
          },
        },
      },
      config: { produces: ["text/css"], problems: ["not-found"] },
    },
    async (request, reply) => {
      const { name } = request.params;
      if (name !== stylesheet.name) throw problem("not-found", `There is no stylesheet ${name}.`);
      return reply.headers(forEver).type("text/css; charset=utf-8").serializer(String).send(stylesheet.text);
    },
  );
}
