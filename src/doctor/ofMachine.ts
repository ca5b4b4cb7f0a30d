import { once } from "node:events";
import { statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { type Config, settings } from "../config.ts";
import { type Judged, fail, ok, sized, warn } from "./finding.ts";

/** How much room the embedded database needs, in bytes and as a share of the disk. */
const ROOM = { warning: { bytes: 5e9, share: 0.1 }, failing: { bytes: 5e8, share: 0.01 } };
/** How long a process may take to say that it is ready, in milliseconds. */
const PATIENCE = 5_000;
/** Variables with our prefix that are not settings: docker-compose.yml reads them. */
const OF_COMPOSE = new Set(["DATELINE_PUBLISH"]);

/** What is set, and whether it means something. */
export function configuration(environment: Record<string, string | undefined>): Judged {
  const set = Object.keys(environment).filter((name) => environment[name]);
  const known = set.filter((name) => name in settings);
  const unknown = set.filter(
    (name) => name.startsWith("DATELINE_") && !(name in settings) && !OF_COMPOSE.has(name),
  );
  const words = known.length === 0 ? "all by default" : `set are ${known.toSorted().join(", ")}`;
  return unknown.length === 0
    ? ok(words)
    : warn(
        `${words}; ${unknown.join(", ")} is no setting`,
        "See the README's table of settings for how it is spelt.",
      );
}

/** Whether the disk that the embedded database lies on has room. */
export async function disk(folder: string): Promise<Judged> {
  const { bavail, blocks, bsize } = await statfs(folder);
  const [free, share] = [bavail * bsize, bavail / blocks];
  const words = `${sized(free)} (${Math.floor(share * 100)} %) are free below ${folder}`;
  const action = "Make room, or move DATELINE_DATA_DIR while Dateline is stopped.";
  const isBelow = (least: { bytes: number; share: number }) => free < least.bytes || share < least.share;
  if (isBelow(ROOM.failing)) return fail(words, action);
  return isBelow(ROOM.warning) ? warn(words, action) : ok(words);
}

/** Whether Dateline answers where it is to listen, or could be started there. */
export async function port({ HOST: host, PORT: number }: Config): Promise<Judged> {
  if (number === 0) return ok("PORT is 0: any free one is taken");
  const nearest = new Map([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "::1"],
  ]).get(host);
  const name = nearest ?? host;
  const url = `http://${name.includes(":") ? `[${name}]` : name}:${number}/readyz`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE), redirect: "manual" }).catch(
    () => null,
  );
  const said: unknown = await answer?.json().catch(() => undefined);
  const detail = typeof said === "object" && said !== null && "detail" in said ? String(said.detail) : "";
  if (answer?.status === 200 && said !== undefined) return ok(`Dateline serves at ${host}:${number}`);
  if (answer?.status === 503 && detail !== "")
    return fail(
      `Dateline runs at ${host}:${number} and cannot serve: ${detail}`,
      "See its log; it goes on by itself when what it says is over.",
    );
  const server = createServer().listen(number, host);
  try {
    await once(server, "listening");
    return ok(`nothing listens at ${host}:${number}, and Dateline could be started there`);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    return fail(
      `${host}:${number} cannot be listened on (${code}), and who answers there is not Dateline`,
      `Stop what holds it (ss -ltnp 'sport = :${number}' names it), or set another PORT or HOST.`,
    );
  } finally {
    server.close();
  }
}
