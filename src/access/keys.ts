import { createHash, randomInt, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Config } from "../config.ts";
import type { Database, Statements, Transaction } from "../database/client.ts";
import { type Bounds, transact } from "../database/transactions.ts";
import type { Key, KeyOrigin } from "../database/generated/client.ts";
import { type Audience, audienceOfKey, markOf } from "./audience.ts";
import { type Entitlement, entitlementColumn } from "./entitlements/entitlement.ts";
import { isId } from "../http/scalars.ts";
import { type Role, roles, scopesOf } from "./roles.ts";
import type { Scope } from "./scopes.ts";

/** Who a request comes from, as its key says. */
export interface Caller {
  id: string;
  name: string;
  scopes: ReadonlySet<string>;
  bounds: Bounds;
  /** What it sees of what is published. */
  audience: Audience;
}

const PREFIX = "dateline_";
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 40 characters of 62 are 238 bits. */
const RANDOM_LENGTH = 40;
const CHECKSUM_LENGTH = 6;

/** Any number, the same in every process: who holds it makes the first key. */
const FIRST_KEY_LOCK = 4_217_003;

/**
 * A new key: a prefix that secret scanners can look for, 238 random bits, and a CRC-32 in base 62
 * by which a scanner tells a real key from a look-alike.
 */
export function generateKey(): string {
  const random = Array.from({ length: RANDOM_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return `${PREFIX}${random}${checksum(random)}`;
}

function checksum(random: string): string {
  let rest = crc32(random);
  let digits = "";
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = ALPHABET[rest % ALPHABET.length] + digits;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return digits;
}

/** Stores a key's digest; the key itself is known to the caller alone from here on. */
export async function storeKey(
  tx: Transaction,
  key: string,
  about: {
    name: string;
    /** What it may do, as scopes or as a role. */
    scopes?: Scope[];
    role?: Role;
    authorId?: string | null;
    sectionIds?: string[];
    expiresAt?: string | null;
    origin?: KeyOrigin;
  },
): Promise<Key> {
  const { lookup, digest } = digestOf(key);
  const { sectionIds = [], ...columns } = about;
  return tx.key.create({
    data: {
      ...columns,
      sections: { create: sectionIds.map((sectionId) => ({ sectionId })) },
      expiresAt: about.expiresAt ?? null,
      lookup,
      digest,
      hint: key.slice(0, PREFIX.length + 4),
    },
  });
}

/**
 * Whose key this is, or null when it is unknown, revoked or expired. The row is found by eight
 * bytes of the key's SHA-256 and the whole digest compared in constant time, so that timing tells
 * nothing about stored keys.
 */
export async function callerOf(statements: Statements, key: string): Promise<Caller | null> {
  const { lookup, digest } = digestOf(key);
  const { rows } = await statements.query<KeyRow>({ ...findKey, values: [lookup] });
  const [row] = rows;
  if (row === undefined || !timingSafeEqual(row.digest, digest)) return null;
  if (row.revoked_at !== null || (row.expires_at !== null && row.expires_at <= new Date())) return null;
  const { id, name, role, author_id, section_ids } = row;
  const scopes = new Set(scopesOf(row));
  return {
    id,
    name,
    scopes,
    audience: audienceOfRow(row, scopes),
    bounds: boundsOf(role, author_id, section_ids),
  };
}

/** What a key with a role, bound to an author and to sections, is kept to. */
export function boundsOf(role: Role | null, authorId: string | null, sectionIds: readonly string[]): Bounds {
  return { ownDrafts: role !== null && roles[role].ownDrafts, authorId, sectionIds };
}

/** Whether there is a key with an id, or was one that is revoked or expired by now. */
export async function keyExists(tx: Transaction, id: string): Promise<boolean> {
  return isId(id) && (await tx.key.count({ where: { id } })) > 0;
}

/** The names of keys by their ids, of those too that are revoked. */
export async function keyNames(tx: Transaction, ids: string[]): Promise<Map<string, string>> {
  const rows = await tx.key.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } });
  return new Map(rows.map(({ id, name }) => [id, name]));
}

/** Whether a key may be used now. */
export function isGood({ revokedAt, expiresAt }: Pick<Key, "revokedAt" | "expiresAt">): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > new Date());
}

/** The same as SQL, of the key that a column names; where it names none nothing speaks against it. */
export const isGoodKey = (column: string) =>
  `NOT EXISTS (SELECT FROM keys k WHERE k.id = ${column} AND (k.revoked_at IS NOT NULL OR k.expires_at <= now()))`;

/**
 * The audience that a key makes, as it is now.
 *
 * @returns null when there is no such key, or it is revoked or expired
 */
export async function audienceOfKeyWith(statements: Statements, id: string): Promise<Audience | null> {
  const { rows } = await statements.query<AudienceRow>({ ...findAudience, values: [id] });
  const [row] = rows;
  return row === undefined ? null : audienceOfRow(row, new Set(scopesOf(row)));
}

/**
 * The marks of keys' audiences as they are now, by the keys' ids, for whoever has to do with a key for
 * longer than a request. Keys that are revoked or expired have none.
 */
export async function marksNow(
  statements: Statements,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  if (ids.length === 0) return new Map();
  const { rows } = await statements.query<Pick<AudienceRow, "id" | "entitlement_revision">>({
    ...findMarks,
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, markOf(row.id, row.entitlement_revision)]));
}

function audienceOfRow(row: AudienceRow, scopes: ReadonlySet<Scope>): Audience {
  return audienceOfKey({
    id: row.id,
    scopes,
    entitlement: row.entitlement,
    entitlementRevision: row.entitlement_revision,
  });
}

interface AudienceRow {
  id: string;
  role: Role | null;
  scopes: string[];
  entitlement: Entitlement | null;
  entitlement_revision: number;
}

interface KeyRow extends AudienceRow {
  name: string;
  digest: Buffer;
  author_id: string | null;
  section_ids: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
}

/** Every request with a key begins with it, so it is prepared: a tenth of what Prisma takes. */
const findKey = {
  name: "find key",
  text: `SELECT id, name, digest, role, scopes, author_id, expires_at, revoked_at,
    ARRAY(SELECT section_id FROM key_sections WHERE key_id = keys.id) AS section_ids,
    entitlement_revision, ${entitlementColumn} AS entitlement
    FROM keys WHERE lookup = $1`,
};

const findMarks = {
  name: "find marks",
  text: `SELECT id, entitlement_revision FROM keys
    WHERE id = ANY ($1::uuid[]) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp())`,
};

const findAudience = {
  name: "find audience",
  text: `SELECT id, role, scopes, entitlement_revision, ${entitlementColumn} AS entitlement
    FROM keys WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp())`,
};

/**
 * Sees to it that there is a key to begin with: DATELINE_ADMIN_KEY if set, replacing one that it
 * named before; otherwise a new one at the very first start.
 *
 * @returns the new key if one was made, to be shown once
 */
export async function ensureAdminKey(database: Database, config: Config): Promise<string | undefined> {
  return transact(database, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FIRST_KEY_LOCK})`;
    if (config.DATELINE_ADMIN_KEY !== undefined) {
      await adoptEnvironmentKey(tx, config.DATELINE_ADMIN_KEY);
      return undefined;
    }
    if ((await tx.key.count()) > 0) return undefined;
    const key = generateKey();
    await storeKey(tx, key, { name: "Administrator", role: "admin", origin: "firstStart" });
    return key;
  });
}

async function adoptEnvironmentKey(tx: Transaction, key: string): Promise<void> {
  const { lookup } = digestOf(key);
  await tx.key.deleteMany({ where: { origin: "environment", NOT: { lookup } } });
  const existing = await tx.key.findUnique({ where: { lookup } });
  if (existing === null) {
    await storeKey(tx, key, { name: "DATELINE_ADMIN_KEY", role: "admin", origin: "environment" });
  } else {
    await tx.key.update({
      where: { lookup },
      data: { role: "admin", scopes: [], revokedAt: null, expiresAt: null },
    });
  }
}

function digestOf(key: string) {
  const digest = new Uint8Array(createHash("sha256").update(key).digest());
  return { digest, lookup: digest.slice(0, 8) };
}
