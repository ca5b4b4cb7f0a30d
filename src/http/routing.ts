import type { FastifyInstance } from "fastify";
import { problem } from "./problems.ts";

/** Answers what no route does: 405 with `Allow` where the address exists, 404 otherwise. */
export function answerUnrouted(app: FastifyInstance): void {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook("onRoute", ({ url, method }) => {
    const known = routes.get(url) ?? { pattern: pattern(url), methods: new Set() };
    for (const one of [method].flat()) known.methods.add(one);
    routes.set(url, known);
  });
  // Where rates are limited, so is asking for what there is not.
  const preHandler = app.hasDecorator("rateLimit") ? app.rateLimit() : [];
  app.setNotFoundHandler({ preHandler }, (request) => {
    // Proxies may name the whole address (RFC 9112, section 3.2.2).
    const path = request.url.replace(/^https?:\/\/[^/?]*/i, "").split("?", 1)[0] ?? "";
    const allowed = routes.values().find((route) => route.pattern.test(path))?.methods;
    if (allowed === undefined || allowed.has(request.method)) {
      throw problem("not-found", `There is nothing at ${path}.`);
    }
    const allow = [...allowed].toSorted().join(", ");
    throw problem("method-not-allowed", `${path} has no ${request.method}; it has ${allow}.`, {
      headers: { allow },
    });
  });
}

function pattern(url: string): RegExp {
  const escaped = url.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".*")}$`);
}
