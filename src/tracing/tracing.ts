import type { Attributes, Context } from "@opentelemetry/api";
import type { FastifyInstance } from "fastify";
import type { Statements } from "../database/client.ts";
import { withoutSecrets } from "../http/secrets.ts";

/** What traces are made with, while they are made. */
interface Tracing {
  /** Puts the requests to an application into spans. */
  attach: (app: FastifyInstance) => Promise<void>;
  /** A context that belongs to no request. */
  nowhere: Context;
  /** The context of the request that is being answered, if any is. */
  ofRequest: () => Context | undefined;
  /** Has work done within a span. */
  within: <T>(context: Context, name: string, attributes: Attributes, work: () => Promise<T>) => Promise<T>;
  stop: () => Promise<void>;
}

let tracing: Tracing | undefined;

/** How long it may take to send the last spans, in milliseconds. */
const PATIENCE = 2_000;
/** What is asked by machines every few seconds, and would bury the rest. */
const UNTRACED = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * Whether OpenTelemetry's own variables ask for traces, by an exporter or by the place to send them
 * to (its specification, "Environment Variable Specification").
 */
export function wantsTraces(environment: Record<string, string | undefined>): boolean {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER, ...places } = environment;
  if (OTEL_SDK_DISABLED?.toLowerCase() === "true") return false;
  if (OTEL_TRACES_EXPORTER) return OTEL_TRACES_EXPORTER !== "none";
  return Boolean(places["OTEL_EXPORTER_OTLP_ENDPOINT"] || places["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]);
}

/**
 * Begins to trace what this process does, if OTEL_* ask for it; otherwise nothing of this is even
 * loaded (but the interface that pg-boss brings along). To be called before anything is opened.
 */
export async function startTracing(environment: NodeJS.ProcessEnv): Promise<void> {
  if (!wantsTraces(environment)) return;
  // Figures go to Prometheus and logs to the terminal, unless somebody wants them elsewhere as well.
  environment["OTEL_METRICS_EXPORTER"] ||= "none";
  environment["OTEL_LOGS_EXPORTER"] ||= "none";
  const [{ NodeSDK }, api, { FastifyOtelInstrumentation }, { PrismaInstrumentation }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/api"),
    import("@fastify/otel"),
    import("@prisma/instrumentation"),
  ]);
  const requests = new FastifyOtelInstrumentation({
    // A span for each hook would bury the others.
    instrumentHooks: false,
    // They are in the log, with the span's id.
    recordExceptions: false,
    ignorePaths: ({ url }) => UNTRACED.has(url),
    requestHook: (span, request) => {
      const { url: route } = request.routeOptions;
      span.updateName(route === undefined ? request.method : `${request.method} ${route}`);
      const [path = ""] = withoutSecrets(request.url).split("?", 1);
      span.setAttributes({ "url.path": path, "dateline.request_id": request.id });
      const { traceId, spanId } = span.spanContext();
      request.log = request.log.child({ trace_id: traceId, span_id: spanId });
    },
  });
  const sdk = new NodeSDK({
    serviceName: environment["OTEL_SERVICE_NAME"] || "dateline",
    instrumentations: [requests, new PrismaInstrumentation()],
  });
  sdk.start();
  const tracer = api.trace.getTracer("dateline");
  tracing = {
    async attach(app) {
      await app.register(requests.plugin());
      app.addHook("onSend", (request, reply, _payload, done) => {
        // What a caller does wrong is no failure of ours (OpenTelemetry's conventions for HTTP spans).
        if (reply.statusCode < 500) request.opentelemetry().span?.setStatus({ code: api.SpanStatusCode.OK });
        done();
      });
    },
    nowhere: api.ROOT_CONTEXT,
    ofRequest: () => (api.trace.getActiveSpan() === undefined ? undefined : api.context.active()),
    within: (context, name, attributes, work) =>
      tracer.startActiveSpan(name, { attributes }, context, async (span) => {
        try {
          return await work();
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          span.recordException(error instanceof Error ? error : message);
          span.setStatus({ code: api.SpanStatusCode.ERROR, message });
          throw error;
        } finally {
          span.end();
        }
      }),
    async stop() {
      tracing = undefined;
      await Promise.race([
        sdk.shutdown(),
        new Promise((resolve) => {
          setTimeout(resolve, PATIENCE).unref();
        }),
      ]);
    },
  };
}

/** Sends what spans are left. Where they cannot be sent, they are lost. */
export async function stopTracing(): Promise<void> {
  await tracing?.stop().catch(() => {});
}

export function isTracing(): boolean {
  return tracing !== undefined;
}

/** Puts requests into spans, while anything is traced. To be called before hooks and routes are added. */
export async function traceRequests(app: FastifyInstance): Promise<void> {
  await tracing?.attach(app);
}

/** Does work that no request waits for, and that has a trace of its own. */
export function traced<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  return tracing === undefined ? work() : tracing.within(tracing.nowhere, name, attributes, work);
}

/** The same statements, each a span within the request or the work that it belongs to. */
export function tracedStatements(statements: Statements): Statements {
  const query = (...words: unknown[]) => {
    const [statement] = words as [{ name?: string; text?: string } | string];
    return tracedStatement(
      typeof statement === "string" ? { text: statement } : statement,
      () => Reflect.apply(statements.query, statements, words) as Promise<unknown>,
    );
  };
  return tracing === undefined
    ? statements
    : Object.assign(Object.create(statements) as Statements, { query });
}

/** Runs a statement, as a span within the request or the work that it belongs to. */
export function tracedStatement<T>(
  { name = "SQL", text = "" }: { name?: string; text?: string },
  run: () => Promise<T>,
): Promise<T> {
  const context = tracing?.ofRequest();
  if (tracing === undefined || context === undefined) return run();
  const attributes = { "db.system.name": "postgresql", "db.query.summary": name, "db.query.text": text };
  return tracing.within(context, name, attributes, run);
}
