import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { loadEnvFile } from "node:process";
import { z } from "zod";

const flag = z.enum(["on", "off"]).transform((value) => value === "on");
const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most);

/** As browsers send it: scheme, host and port alone. */
function isOrigin(value: string): boolean {
  return URL.canParse(value) && /^https?:/.test(value) && new URL(value).origin === value;
}

/** An IP address, or a network as `10.0.0.0/8`. */
function isNetwork(value: string): boolean {
  const [address = "", bits, ...rest] = value.split("/");
  const family = isIP(address);
  return (
    family !== 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
  );
}

/** A host's name or address as it stands in an address, without a port. */
function isHost(value: string): boolean {
  const host = isIP(value) === 6 ? `[${value}]` : value;
  return URL.canParse(`http://${host}/`) && new URL(`http://${host}/`).hostname === host;
}

/** Where something is asked for by HTTP, without a password, which would get into logs. */
function isPurged(value: string): boolean {
  if (!z.url({ protocol: /^https?$/ }).safeParse(value).success) return false;
  const { username, password } = new URL(value);
  return username === "" && password === "";
}

const postgresUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** One setting: how it is read, what it is when absent, and what it must be, in words. */
interface Setting<Schema extends z.ZodType> {
  schema: Schema;
  default: string | undefined;
  must: string;
}

const setting = <Schema extends z.ZodType>(
  schema: Schema,
  fallback: string | undefined,
  must: string,
): Setting<Schema> => ({ schema, default: fallback, must });

/** Every setting by the name of its environment variable. The README's table is checked against this. */
export const settings = {
  HOST: setting(
    z.string().regex(/^[\w.:%-]+$/),
    "127.0.0.1",
    "an address or a host's name to listen on, such as 127.0.0.1, :: or 0.0.0.0",
  ),
  PORT: setting(whole(0, 65_535), "3000", "a port number from 0 to 65535 (0 takes any free one)"),
  DATABASE_URL: setting(
    postgresUrl.optional(),
    undefined,
    "an address such as postgresql://user:password@host:5432/dateline; when unset an embedded PostgreSQL is used",
  ),
  DATABASE_REPLICAS: setting(
    z
      .string()
      .transform((value) => [...new Set(value.split(/[\s,]+/).filter((url) => url !== ""))])
      .refine((urls) => urls.every((url) => postgresUrl.safeParse(url).success))
      .optional()
      .transform((urls) => urls ?? []),
    undefined,
    "the addresses of hot standbys of the database, parted by commas or spaces, such as postgresql://user:password@standby:5432/dateline; what readers get is read from them; needs DATABASE_URL",
  ),
  DATABASE_POOL: setting(
    whole(2, 1000),
    "20",
    "how many connections to PostgreSQL each process keeps, from 2 to 1000",
  ),
  DATELINE_WORKERS: setting(
    whole(1, 256),
    "1",
    "how many processes serve behind the one port, from 1 to 256, such as one for each core",
  ),
  DATELINE_DATA_DIR: setting(z.string().min(1), ".dateline", "a folder for the embedded PostgreSQL"),
  DATELINE_ADMIN_KEY: setting(
    z
      .string()
      .regex(/^[\x21-\x7e]{32,256}$/)
      .optional(),
    undefined,
    "32 to 256 printable ASCII characters without spaces; when unset a key is made at the first start and printed once",
  ),
  DATELINE_PUBLIC_READING: setting(
    flag,
    "on",
    '"on" or "off": whether whoever has no key may read what is published, and count shares',
  ),
  DATELINE_RATE_LIMIT: setting(flag, "on", '"on" or "off"'),
  DATELINE_CACHE: setting(
    whole(0, 1_000_000),
    "64",
    "how many MiB of memory the articles and lists take that are kept ready to be sent, from 0 to 1000000",
  ),
  DATELINE_MAX_AGE: setting(
    whole(0, 31_536_000),
    "1",
    "how many seconds public answers may be kept by caches, from 0 to 31536000",
  ),
  DATELINE_STALE_IF_ERROR: setting(
    whole(0, 31_536_000),
    "60",
    "how many seconds public answers are given from memory, and may be by caches, while the database is away, from 0 to 31536000",
  ),
  DATELINE_PURGE: setting(
    z
      .string()
      .refine((value) => value.split(",").every(isPurged))
      .optional()
      .transform((value) => value?.split(",") ?? []),
    undefined,
    "the addresses at which the caches in front take PURGE with Surrogate-Key, parted by commas, such as http://varnish:6081/; when unset none is purged",
  ),
  DATELINE_CDN_MAX_AGE: setting(
    whole(0, 31_536_000),
    "0",
    "how many seconds the caches of DATELINE_PURGE may keep public answers, from 0 to 31536000; 0 gives them no longer than all caches",
  ),
  DATELINE_ARTICLE_URL: setting(
    z
      .string()
      .regex(/^(https?:\/\/[^\s/]+)?\/[^\s]*\{slug\}[^\s]*$/)
      .optional(),
    undefined,
    "the address of an article's page with {slug} in it, such as https://news.example/{slug}; links between articles use it; when unset /a/{slug}, or /v1/articles/{slug} without pages",
  ),
  DATELINE_NAME: setting(
    z.string().regex(/^[^\p{Cc}\p{Surrogate}]{1,200}$/u),
    "Dateline",
    "the publication's name as feeds and search engines show it, 1 to 200 characters",
  ),
  DATELINE_URL: setting(
    z.string().refine(isOrigin).optional(),
    undefined,
    "where this API is reached from outside, such as https://api.news.example, without a path; when unset, addresses go by each request's host",
  ),
  DATELINE_WEBSUB_HUBS: setting(
    z
      .string()
      .refine((value) =>
        value.split(",").every((hub) => z.url({ protocol: /^https?$/ }).safeParse(hub).success),
      )
      .optional()
      .transform((value) => value?.split(",") ?? []),
    undefined,
    "the addresses of the WebSub hubs that are told when feeds change, parted by commas, such as https://hub.example/; when unset none is",
  ),
  DATELINE_PAGES: setting(flag, "on", '"on" or "off": whether articles have pages at /a/{slug}'),
  DATELINE_CORS_ORIGINS: setting(
    z.string().refine((value) => value === "*" || value.split(",").every(isOrigin)),
    "*",
    "* or the origins that browsers may call from, parted by commas, such as https://news.example",
  ),
  DATELINE_TRUST_PROXY: setting(
    z.string().refine((value) => value === "off" || value.split(",").every(isNetwork)),
    "off",
    '"off", or the addresses of the proxies whose X-Forwarded-For is believed, parted by commas, such as 10.0.0.0/8',
  ),
  DATELINE_STREAMS: setting(
    whole(0, 1_000_000),
    "5000",
    "how many streams of changes each process keeps open, from 0 to 1000000",
  ),
  DATELINE_STREAMS_PER_KEY: setting(
    whole(0, 1_000_000),
    "100",
    "how many of them one key may have open, from 0 to 1000000",
  ),
  DATELINE_WEBHOOK_HOSTS: setting(
    z
      .string()
      .refine((value) => value.split(",").every(isHost))
      .optional()
      .transform((value) => value?.split(",") ?? []),
    undefined,
    "hosts that webhooks may lead to by http and on private networks, parted by commas, such as localhost or 10.0.0.7; for development",
  ),
  DATELINE_KEEP_ALIVE: setting(
    whole(1, 3600),
    "72",
    "for how many seconds a connection is kept on which nothing is asked, from 1 to 3600, and more than a balancer in front keeps it",
  ),
  DATELINE_STOP_DELAY: setting(
    whole(0, 600),
    "0",
    "for how many seconds a process that is told to stop goes on to serve while /readyz says that it will not, from 0 to 600: as long as load balancers need to notice",
  ),
  DATELINE_STOP_DEADLINE: setting(
    whole(5, 3600),
    "20",
    "how many seconds after it is told to stop a process is gone, from 5 to 3600, and at least 5 more than DATELINE_STOP_DELAY",
  ),
  LOG_LEVEL: setting(
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    "info",
    "one of trace, debug, info, warn, error, fatal, silent",
  ),
};

export type Config = { [Name in keyof typeof settings]: z.output<(typeof settings)[Name]["schema"]> };

/** Adds what stands in the folder's `.env` to the environment, where it is not set already. */
export function loadEnvironment(): void {
  if (existsSync(".env")) loadEnvFile(".env");
}

/**
 * Reads every setting.
 *
 * @throws an Error whose message names each variable that is wrong and what it must be; the value
 *   itself is left out, since it may be a secret
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { schema, default: fallback, must }] of Object.entries(settings)) {
    // An empty variable counts as unset, as compose files and .env files leave them.
    const result = schema.safeParse(environment[name] || fallback);
    if (result.success) values[name] = result.data;
    else faults.push(`${name} must be ${must}.`);
  }
  const config = values as Config;
  if (faults.length === 0 && config.DATELINE_WEBSUB_HUBS.length > 0 && config.DATELINE_URL === undefined)
    faults.push(`DATELINE_URL must be ${settings.DATELINE_URL.must}; DATELINE_WEBSUB_HUBS needs it.`);
  if (faults.length === 0 && config.DATELINE_CDN_MAX_AGE > 0 && config.DATELINE_PURGE.length === 0)
    faults.push(`DATELINE_PURGE must be ${settings.DATELINE_PURGE.must}; DATELINE_CDN_MAX_AGE needs it.`);
  if (faults.length === 0 && config.DATABASE_REPLICAS.length > 0 && config.DATABASE_URL === undefined)
    faults.push(`DATABASE_URL must be ${settings.DATABASE_URL.must}; DATABASE_REPLICAS needs it.`);
  if (faults.length === 0 && config.DATELINE_STOP_DEADLINE < config.DATELINE_STOP_DELAY + 5)
    faults.push(`DATELINE_STOP_DEADLINE must be ${settings.DATELINE_STOP_DEADLINE.must}.`);
  if (faults.length === 0 && config.DATELINE_WEBSUB_HUBS.length > 0 && !config.DATELINE_PUBLIC_READING)
    faults.push(
      "DATELINE_PUBLIC_READING must be on with DATELINE_WEBSUB_HUBS: hubs read feeds without a key.",
    );
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return config;
}
