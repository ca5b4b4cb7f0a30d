import { z } from "zod";
import { inTime } from "../database/inTime.ts";
import type { App } from "../http/app.ts";
import { problem } from "../http/problems.ts";
import type { Newsroom } from "../newsroom.ts";
import { measure } from "./metrics.ts";

/** How long the database may take to answer before the process counts as not ready, in milliseconds. */
const PATIENCE = 800;

const Health = z.object({ status: z.literal("ok") }).meta({ id: "Health", examples: [{ status: "ok" }] });
const tags = ["Operations"];
const noStore = { "cache-control": "no-store" };

/** What those who run Dateline ask it. */
export function healthRoutes(app: App, newsroom: Newsroom): void {
  measure(app, newsroom);
  const { service } = newsroom;
  app.addHook("preClose", async () => {
    service.isReady = false;
  });

  app.get(
    "/healthz",
    {
      schema: {
        operationId: "getHealth",
        summary: "Whether the process lives",
        tags,
        response: { 200: Health },
      },
    },
    async (_request, reply) => reply.headers(noStore).send({ status: "ok" }),
  );

  app.get(
    "/readyz",
    {
      schema: {
        operationId: "getReadiness",
        summary: "Whether it can serve",
        tags,
        response: { 200: Health },
      },
      config: { problems: ["unavailable"] },
    },
    async (_request, reply) => {
      if (!service.isReady || !(await answers(newsroom))) {
        throw problem(
          "unavailable",
          service.isReady ? "The database does not answer." : "The process is stopping.",
          {
            headers: { "retry-after": "1" },
          },
        );
      }
      return reply.headers(noStore).send({ status: "ok" });
    },
  );

  app.get(
    "/metrics",
    {
      schema: {
        operationId: "getMetrics",
        summary: "Figures for Prometheus",
        tags,
        response: {
          200: {
            description: "Prometheus' text format.",
            content: {
              "text/plain": {
                schema: z.string().meta({ examples: ["dateline_http_request_duration_seconds_count 1"] }),
              },
            },
          },
        },
      },
      config: { produces: ["text/plain"] },
    },
    async (_request, reply) => {
      const text = await newsroom.together.figures();
      return reply.headers(noStore).type(newsroom.metrics.contentType).serializer(String).send(text);
    },
  );
}

/** Who hears what is told on the database knows that it answers, and need not wait for a connection among others. */
async function answers({ database, live }: Newsroom): Promise<boolean> {
  return live.isTrusted() || (await inTime(database.$queryRaw`SELECT 1`, PATIENCE)) !== undefined;
}
