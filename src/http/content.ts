import accepts from "@fastify/accepts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { consumed, problem } from "./problems.ts";

/** Reads bodies as the routes declare them, and refuses what neither side could read. */
export async function negotiateContent(app: FastifyInstance): Promise<void> {
  await app.register(accepts);
  const parse = app.getDefaultJsonParser("error", "error");
  const utf8 = new TextDecoder("utf-8", { fatal: true });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser(["application/json", "application/merge-patch+json"], { parseAs: "buffer" }, (request, body, done) => {
    let text: string;
    try {
      text = utf8.decode(body as Buffer);
    } catch {
      done(problem("malformed-request", "The body is not well-formed UTF-8."));
      return;
    }
    if (text === "") done(null, undefined);
    else void parse(request, text, done);
  });

  app.addHook("onRequest", async (request) => {
    refuseType(request);
    refuseAccept(request);
  });
}

function refuseType(request: FastifyRequest): void {
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  const hasBody = request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  if (!hasBody || request.is404 || type === undefined || consumed(request).includes(type)) return;
  throw problem("unsupported-media-type", `Content-Type is ${type}; this operation takes ${consumed(request).join(" or ")}.`);
}

function refuseAccept(request: FastifyRequest): void {
  const { accept } = request.headers;
  if (accept === undefined || accept === "*/*") return;
  const offered = request.routeOptions.config.produces ?? ["application/json"];
  if (request.is404 || request.accepts().type(offered) !== false) return;
  throw problem("not-acceptable", `Accept is ${accept}; this operation answers with ${offered.join(" or ")}.`);
}
