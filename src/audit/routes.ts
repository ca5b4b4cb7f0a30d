import { Readable } from "node:stream";
import type { FastifyReply } from "fastify";
import type { App } from "../http/app.ts";
import { sendJson } from "../http/answer.ts";
import { preferredType } from "../http/content.ts";
import { nextLink } from "../http/paging.ts";
import type { Newsroom } from "../newsroom.ts";
import { exportAudit, listAudit } from "./list.ts";
import { AuditEntry, AuditList, AuditQuery } from "./schema.ts";

const JSON_LINES = "application/x-ndjson";
const auditTypes = ["application/json", JSON_LINES];

/** Reading who did what. */
export function auditRoutes(app: App, newsroom: Newsroom): void {
  app.get(
    "/audit",
    {
      schema: {
        operationId: "listAudit",
        summary: "Read or export the audit log",
        description:
          "Every accepted write by a key or a command, newest first, and what was refused to a key. With `Accept: application/x-ndjson` all of it at once as JSON Lines, oldest first; `limit`, `cursor` and `count` then say nothing. Entries are never changed or removed.",
        tags: ["Audit"],
        querystring: AuditQuery,
        response: {
          200: {
            description: "A page, or all of it as JSON Lines.",
            content: {
              "application/json": { schema: AuditList },
              [JSON_LINES]: { schema: AuditEntry },
            },
          },
        },
      },
      config: { access: "audit:read", produces: auditTypes },
    },
    async (request, reply) => {
      const { query } = request;
      reply.header("vary", "Accept");
      if (preferredType(request.headers.accept, auditTypes) === JSON_LINES) {
        // For HEAD the log would be read to its end and thrown away.
        return sendLines(reply, request.method === "HEAD" ? [] : exportAudit(newsroom.database, query));
      }
      const { data, next, total } = await listAudit(newsroom.database, newsroom.cursors, query);
      const page = { limit: query.limit, next, total };
      return sendJson(request, reply, JSON.stringify({ data, page }), nextLink(request.url, next));
    },
  );
}

function sendLines(reply: FastifyReply, lines: Iterable<string> | AsyncIterable<string>): FastifyReply {
  return reply
    .headers({ "content-type": JSON_LINES, "cache-control": "private, no-store" })
    .send(Readable.from(lines));
}
