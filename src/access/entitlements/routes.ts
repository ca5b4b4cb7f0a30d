import { z } from "zod";
import { articleIdOf } from "../../articles/workingCopy.ts";
import { explainAccess } from "../../editions/access.ts";
import { answer } from "../../http/answer.ts";
import type { App } from "../../http/app.ts";
import { problem } from "../../http/problems.ts";
import { Id } from "../../http/scalars.ts";
import type { Newsroom } from "../../newsroom.ts";
import { audienceOfKeyWith } from "../keys.ts";
import { AccessExplained } from "./schema.ts";
import { presentEntitlement, withTerms } from "./store.ts";

/** Telling an administrator why a partner gets an article, or does not. */
export function entitlementRoutes(app: App, newsroom: Newsroom): void {
  const { database, statements } = newsroom;

  app.get(
    "/articles/:article/access",
    {
      schema: {
        operationId: "explainAccess",
        summary: "Tell whether a key gets an article at this moment, and which rules say so",
        tags: ["Keys"],
        params: z.object({ article: z.string().describe("The article's id or slug.") }),
        querystring: z.strictObject({
          key: Id.describe("The id of the key.").meta({ examples: ["0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e"] }),
        }),
        response: { 200: AccessExplained },
      },
      config: { access: "keys:manage", problems: ["not-found"] },
    },
    async (request, reply) => {
      const { article } = request.params;
      const articleId = await articleIdOf(database, article);
      if (articleId === undefined) throw problem("not-found", `There is no article ${article}.`);
      const { key: id } = request.query;
      const key = await database.key.findUnique({ where: { id }, include: { entitlement: withTerms } });
      const audience = await audienceOfKeyWith(statements, id);
      if (key === null || audience === null)
        throw problem("not-found", `There is no key with the id ${id} that is neither revoked nor expired.`);
      const entitlement = key.entitlement === null ? null : presentEntitlement(key.entitlement);
      const found = await explainAccess(database, articleId, audience, entitlement);
      return answer(request, reply, { body: { articleId, key: { id, name: key.name }, ...found } });
    },
  );
}
