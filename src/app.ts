import Fastify from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import { entitlementRoutes } from "./access/entitlements/routes.ts";
import { keepWithinReach } from "./access/gate.ts";
import { keyRoutes } from "./access/routes.ts";
import { authenticate } from "./access/authenticate.ts";
import { itemRoutes } from "./articles/itemRoutes.ts";
import { articleRoutes } from "./articles/routes.ts";
import { noteRefusals } from "./audit/refusals.ts";
import { auditRoutes } from "./audit/routes.ts";
import { changeRoutes } from "./changes/routes.ts";
import { commentRoutes } from "./comments/routes.ts";
import { describeApi } from "./docs/openapi.ts";
import { deskRoutes } from "./desk/routes.ts";
import { docsRoutes } from "./docs/routes.ts";
import { editingRoutes } from "./editing/routes.ts";
import { readDirectly } from "./editions/directly.ts";
import { editionHistoryRoutes } from "./editions/history.ts";
import { editionRoutes } from "./editions/routes.ts";
import { feedRoutes } from "./feeds/routes.ts";
import { articlePageRoutes } from "./formats/routes.ts";
import { healthRoutes } from "./health/routes.ts";
import { bulkRoutes } from "./bulk/routes.ts";
import type { App } from "./http/app.ts";
import { negotiateContent } from "./http/content.ts";
import { allowOrigins } from "./http/cors.ts";
import { answerDirectly } from "./http/directly.ts";
import { logRequests, logger, requestId } from "./http/logging.ts";
import { answerErrors } from "./http/errors.ts";
import { limitRequests } from "./http/limits.ts";
import { refuseExcess } from "./http/overload.ts";
import { type Places, holdPlaces, placesFor } from "./http/places.ts";
import { limitRates } from "./http/rateLimit.ts";
import { answerUnrouted } from "./http/routing.ts";
import { serialiseWithZod } from "./http/serialise.ts";
import { dropUnused, serverOptions } from "./http/server.ts";
import { validateWithZod } from "./http/validation.ts";
import { importRoutes } from "./imports/routes.ts";
import { linkRoutes } from "./links/routes.ts";
import type { Newsroom } from "./newsroom.ts";
import { pageRoutes } from "./pages/routes.ts";
import { previewLinkRoutes, previewRoutes } from "./previews/routes.ts";
import { purgeCaches } from "./purging/hooks.ts";
import { recallRoutes } from "./recall/routes.ts";
import { revisionRoutes } from "./revisions/routes.ts";
import { shareDirectly } from "./shares/directly.ts";
import { shareRoutes } from "./shares/routes.ts";
import { taxonomyRoutes } from "./taxonomy/routes.ts";
import { transferRoutes } from "./transfer/routes.ts";
import { traceRequests } from "./tracing/tracing.ts";
import { trashRoutes } from "./trash/routes.ts";
import { measureUsage } from "./usage/measure.ts";
import { usageRoutes } from "./usage/routes.ts";
import { deliverWebhooks } from "./webhooks/deliver.ts";
import { webhookRoutes } from "./webhooks/routes.ts";

/** The whole application: what all routes share, then each capability. */
export async function buildApp(newsroom: Newsroom): Promise<App> {
  const { config } = newsroom;
  const app = Fastify({
    ...serverOptions(newsroom),
    logger: logger(config),
    genReqId: requestId,
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validateWithZod);
  app.setSerializerCompiler(serialiseWithZod);
  await traceRequests(app);
  dropUnused(app.server);
  logRequests(app);
  limitRequests(app);
  answerErrors(app);
  negotiateContent(app);
  await allowOrigins(app, config);
  await limitRates(app, newsroom);
  answerUnrouted(app);
  purgeCaches(app, newsroom);
  await describeApi(app);

  const places = placesFor(newsroom);
  healthRoutes(app, newsroom);
  docsRoutes(app);
  pageRoutes(app);
  previewRoutes(app, newsroom);
  await app.register(async (pages: App) => {
    admit(pages, newsroom, places);
    articlePageRoutes(pages, newsroom);
  });

  await app.register(
    async (v1: App) => {
      admit(v1, newsroom, places);
      editionRoutes(v1, newsroom);
      changeRoutes(v1, newsroom);
      articleRoutes(v1, newsroom);
      deskRoutes(v1, newsroom);
      itemRoutes(v1, newsroom);
      revisionRoutes(v1, newsroom);
      editionHistoryRoutes(v1, newsroom);
      shareRoutes(v1, newsroom);
      feedRoutes(v1, newsroom);
      await importRoutes(v1, newsroom);
      trashRoutes(v1, newsroom);
      await transferRoutes(v1, newsroom);
      linkRoutes(v1, newsroom);
      previewLinkRoutes(v1, newsroom);
      taxonomyRoutes(v1, newsroom);
      editingRoutes(v1, newsroom);
      commentRoutes(v1, newsroom);
      keyRoutes(v1, newsroom);
      usageRoutes(v1, newsroom);
      recallRoutes(v1, newsroom);
      entitlementRoutes(v1, newsroom);
      auditRoutes(v1, newsroom);
      bulkRoutes(v1, newsroom);
      webhookRoutes(v1, newsroom);
    },
    { prefix: "/v1" },
  );

  deliverWebhooks(app, newsroom);

  app.addHook("onClose", async () => {
    newsroom.news.agenda.stop();
    await newsroom.jobs.stop();
    await newsroom.shares.settle().catch(() => {});
    await newsroom.usage.settle().catch(() => {});
    await newsroom.refusals.settle().catch(() => {});
    await newsroom.replicas.close();
    await newsroom.database.$disconnect();
  });
  answerDirectly(app, newsroom, [readDirectly, shareDirectly]);
  refuseExcess(app, newsroom, places);
  await app.ready();
  return app;
}

/** What comes before all that is not the same for everyone: a place to be served in, who asks, and whether they may. */
function admit(app: App, newsroom: Newsroom, places: Places): void {
  holdPlaces(app, places);
  authenticate(app, newsroom);
  noteRefusals(app, newsroom);
  measureUsage(app, newsroom);
  keepWithinReach(app, newsroom);
}
