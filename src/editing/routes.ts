import { z } from "zod";
import { requireKey } from "../access/authenticate.ts";
import { requireArticle } from "../articles/workingCopy.ts";
import { answer, send } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { wholeList } from "../http/paging.ts";
import type { Newsroom } from "../newsroom.ts";
import { PRESENCE_SECONDS, enter, leave, whoIsIn } from "./presence.ts";
import { PersonName, PresenceInput, PresenceList } from "./schema.ts";

const tags = ["Desk"];
const params = z.object({ article: z.string().describe("The article's id or slug.") });
const access = "articles:write";

/**
 * Who is in which article. It comes and goes by the minute and changes nothing of the article, so
 * it asks for no If-Match and leaves no entry in the audit log.
 */
export function editingRoutes(app: App, { database }: Newsroom): void {
  app.get(
    "/articles/:article/editing",
    {
      schema: {
        operationId: "listEditing",
        summary: "List who is in an article now",
        tags,
        params,
        response: { 200: PresenceList },
      },
      config: { access: "drafts:read", problems: ["not-found"] },
    },
    async (request, reply) => {
      const id = await requireArticle(database, request.params.article);
      return answer(request, reply, { body: wholeList(await whoIsIn(database, id)) });
    },
  );

  app.put(
    "/articles/:article/editing",
    {
      schema: {
        operationId: "startEditing",
        summary: "Say that you are in an article",
        description: `Holds for ${PRESENCE_SECONDS} seconds; say it again before they are over. Answers with all who are there. It is advice, never a lock: whoever has the ETag can write. Needs no \`If-Match\`, since nothing of the article changes and your own say replaces nobody else's.`,
        tags,
        params,
        body: PresenceInput,
        response: { 200: PresenceList },
      },
      config: { access, problems: ["not-found", "conflict"] },
    },
    async (request, reply) => {
      const caller = requireKey(request, "a key");
      const { name = "", blockId = null } = request.body ?? {};
      const id = await requireArticle(database, request.params.article);
      await enter(database, id, caller, { person: name, blockId });
      return answer(request, reply, { body: wholeList(await whoIsIn(database, id)) });
    },
  );

  app.delete(
    "/articles/:article/editing",
    {
      schema: {
        operationId: "stopEditing",
        summary: "Say that you left an article",
        description: "Needs no `If-Match`, as with entering. Whoever was not there has left as well.",
        tags,
        params,
        querystring: z.strictObject({
          name: PersonName.optional().meta({
            description: "Who left; all who use the key when absent.",
            examples: ["Ana Lima"],
          }),
        }),
        response: { 204: z.null() },
      },
      config: { access, problems: ["not-found"] },
    },
    async (request, reply) => {
      const { id: keyId } = requireKey(request, "a key");
      const id = await requireArticle(database, request.params.article);
      await leave(database, id, keyId, request.query.name);
      return send(request, reply, { status: 204, headers: {}, body: "" });
    },
  );
}
