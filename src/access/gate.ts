import type { FastifyInstance, FastifyRequest } from "fastify";
import { articleIdOf } from "../articles/workingCopy.ts";
import type { Newsroom } from "../newsroom.ts";
import { isKept, outOfReach, requireReach } from "./reach.ts";

/**
 * Keeps callers that are bound to a part of the newsroom to that part, in every operation there is
 * or will be: with an article in the path it must be one of theirs, and without one the operation
 * must say that it heeds the bounds itself (`config.heedsReach`). What anybody may do they may do too.
 *
 * A write looks once more when it has locked its article (`lockArticle`); here nothing is locked, but
 * nothing is left out either.
 */
export function keepWithinReach(app: FastifyInstance, newsroom: Newsroom): void {
  app.addHook("preValidation", async (request) => {
    const { caller } = request;
    if (!isKept(caller) || isPublic(request)) return;
    const { article } = request.params as { article?: string };
    if (article === undefined) {
      if (request.routeOptions.config.heedsReach === true) return;
      throw outOfReach(caller, "This concerns more than the key may see and change");
    }
    const id = await articleIdOf(newsroom.database, article);
    // What is not there at all is for the operation to say.
    if (id !== undefined) await requireReach(newsroom.database, caller, id, article);
  });
}

/** Whether a request asks for no more than anybody gets. */
function isPublic(request: FastifyRequest): boolean {
  const { version } = request.query as { version?: string | string[] };
  const { access = "public", alsoFor, heedsReach = false } = request.routeOptions.config;
  // Where no scope shows more, the parameter is none and is refused as such.
  return access === "public" && (heedsReach || alsoFor === undefined || ![version].flat().includes("draft"));
}
