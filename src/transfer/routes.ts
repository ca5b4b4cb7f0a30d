import { PassThrough, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { auditRequest } from "../audit/record.ts";
import { answer } from "../http/answer.ts";
import type { App } from "../http/app.ts";
import { Time } from "../http/scalars.ts";
import { actorFor } from "../http/write.ts";
import type { Newsroom } from "../newsroom.ts";
import { exportLines } from "./export.ts";
import { importLines } from "./import.ts";
import { ImportReport } from "../imports/report.ts";

/** The media type of JSON Lines. */
const LINES = "application/x-ndjson";
/** How large an import may be, in bytes. */
const MAX_IMPORT = 16 * 1024 ** 3;

const tags = ["Transfer"];
const access = "transfer";
const example = '{"kind":"dateline","format":1}\n{"kind":"end","lines":0}\n';

/** Making one installation the twin of another. */
export async function transferRoutes(parent: App, newsroom: Newsroom): Promise<void> {
  parent.get(
    "/export",
    {
      schema: {
        operationId: "exportNewsroom",
        summary: "Export everything as JSON Lines",
        description:
          "Sections, tags, authors, articles with their editions, slugs and share counts, and what is left of those that were purged, as they stood at one moment. Keys are not among them. The last line has the kind `end`; a file without it was cut off.",
        tags,
        querystring: z.strictObject({
          since: Time.optional().meta({
            description: "Leaves out articles that have not changed after this time.",
            examples: ["2025-04-10T09:30:00.000Z"],
          }),
        }),
        response: {
          200: {
            description: "The lines.",
            content: { [LINES]: { schema: z.string().meta({ examples: [example] }) } },
          },
        },
      },
      config: { access, produces: [LINES] },
    },
    async (request, reply) => {
      const output = new PassThrough();
      // A failure ends the connection before the last line, so that nobody takes a part for the whole.
      exportLines(newsroom, request.query, (lines) => pipeline(Readable.from(lines), output)).catch(
        (error: unknown) => {
          request.log.error({ err: error }, "an export was broken off");
          output.destroy(error instanceof Error ? error : undefined);
        },
      );
      return reply
        .headers({ "cache-control": "private, no-store", "content-type": LINES })
        .serializer(String)
        .send(output as never);
    },
  );

  // In a scope of its own, since no other operation reads lines.
  await parent.register(async (app: App) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser(LINES, (_request, payload, done) => {
      done(null, payload);
    });

    app.post(
      "/import",
      {
        schema: {
          operationId: "importNewsroom",
          summary: "Import an export",
          description:
            "Makes what the file names what it says, by id, in one transaction; what is so already is left as it is, and what the file does not name stays. When a line cannot be imported nothing is: the answer is 422 and its `report` names the lines. Publishing waits until it is done. Repeating it is harmless with or without an Idempotency-Key.",
          tags,
          querystring: z.strictObject({
            dryRun: z
              .enum(["true", "false"])
              .transform((value) => value === "true")
              .default(false)
              .meta({ description: "`true` says what would be done, and does nothing.", examples: ["true"] }),
          }),
          body: z.unknown().meta({ id: "Export", type: "string", examples: [example] }),
          response: { 200: ImportReport },
        },
        config: { access, consumes: [LINES], problems: ["import-failed"] },
        bodyLimit: MAX_IMPORT,
      },
      async (request, reply) => {
        const { dryRun } = request.query;
        const source = (request.body ?? Readable.from([])) as AsyncIterable<Uint8Array>;
        const report = await importLines(newsroom, source, {
          dryRun,
          actor: actorFor(request),
          note: (tx) => auditRequest(tx, request, {}),
        });
        return answer(request, reply, { body: report });
      },
    );
  });
}
