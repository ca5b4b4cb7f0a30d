import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";

/** A span as OTLP tells it in JSON (opentelemetry-proto, trace.proto). */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status: { code?: number; message?: string };
  attributes: Record<string, unknown>;
}

interface Exported {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: { spans: (Omit<Span, "attributes"> & { attributes: Attribute[] })[] }[];
  }[];
}

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

const plain = (attributes: Attribute[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** A real receiver of OTLP over HTTP, which takes in whatever is sent, for one test. */
export async function traceReceiver() {
  const spans: Span[] = [];
  const services = new Set<unknown>();
  const requests: { path: string | undefined; type: string | undefined; bytes: Buffer }[] = [];
  const server = createServer((request, response) => {
    const take = async () => {
      const sent = await buffer(request);
      const bytes = request.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent;
      const type = request.headers["content-type"];
      requests.push({ path: request.url, type, bytes });
      if (request.url === "/v1/traces" && type === "application/json") {
        for (const { resource, scopeSpans } of (JSON.parse(bytes.toString()) as Exported).resourceSpans) {
          services.add(plain(resource.attributes)["service.name"]);
          for (const { spans: found } of scopeSpans)
            spans.push(...found.map((span) => ({ ...span, attributes: plain(span.attributes) })));
        }
      }
      response
        .writeHead(200, { "content-type": type ?? "application/json" })
        .end(type === "application/json" ? "{}" : "");
    };
    void take();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    services,
    /** The spans of one trace. */
    of: (traceId: string) => spans.filter((span) => span.traceId === traceId),
  };
}
