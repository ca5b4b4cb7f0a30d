import { isDeepStrictEqual } from "node:util";
import { Prisma, type Transaction } from "../../database/client.ts";
import { type FieldError, invalidContent, pathPointer } from "../../http/problems.ts";
import { type Entitlement, entitlementColumn } from "./entitlement.ts";
import { type Scope, readingPublishedAlone } from "../scopes.ts";
import { type DeliveryFormat, type EntitlementInput, type ShownEntitlement, unlimited } from "./schema.ts";

/** An entitlement with the terms that it names. */
export const withTerms = {
  include: { sections: { include: { section: true } }, tags: { include: { tag: true } } },
} as const;
type EntitlementRow = Prisma.EntitlementGetPayload<typeof withTerms>;

/** An entitlement as it is answered. */
export function presentEntitlement(row: EntitlementRow): ShownEntitlement {
  const { keyId: _, sections, tags, formats, from, until, ...columns } = row;
  return {
    ...columns,
    sections: sections.map(({ section }) => section.slug).toSorted(),
    tags: tags.map(({ tag }) => tag.slug).toSorted(),
    formats: formats as DeliveryFormat[],
    from: from?.toISOString() ?? null,
    until: until?.toISOString() ?? null,
  };
}

/**
 * Gives a key an entitlement, changes the one that it has, or takes it away with null. The key's row
 * is to be locked. What changes of what it covers is counted, so that what was made for the
 * entitlement of before is told from what is made for this one.
 *
 * @param scopes what the key may do
 * @returns whether it covers anything else now
 * @throws 422 for sections and tags that do not exist, for a span that ends before it begins, and for
 *   a key whose scopes reach past any entitlement
 */
export async function entitle(
  tx: Transaction,
  key: { id: string; entitlement: EntitlementRow | null },
  scopes: readonly Scope[],
  input: EntitlementInput | null,
): Promise<boolean> {
  const before = key.entitlement === null ? null : presentEntitlement(key.entitlement);
  const after = input === null ? null : complete(before ?? unlimited, input);
  if (isDeepStrictEqual(before, after)) return false;
  const { id: keyId } = key;
  if (after === null) {
    await tx.entitlement.delete({ where: { keyId } });
  } else {
    const columns = await columnsOf(tx, scopes, after);
    await tx.entitlement.deleteMany({ where: { keyId } });
    await tx.entitlement.create({ data: { keyId, ...columns } });
  }
  if (isDeepStrictEqual(coverageOf(before), coverageOf(after))) return false;
  await tx.key.update({ where: { id: keyId }, data: { entitlementRevision: { increment: 1 } } });
  return true;
}

/** What a key is entitled to, as reading goes by it; null for everything. */
export async function entitlementNow(tx: Transaction, keyId: string): Promise<Entitlement | null> {
  const [row] = await tx.$queryRaw<{ entitlement: Entitlement | null }[]>`
    SELECT ${Prisma.raw(entitlementColumn)} AS entitlement FROM keys WHERE id = ${keyId}::uuid`;
  return row?.entitlement ?? null;
}

/** What an entitlement covers, whatever form and pace it is had in. */
function coverageOf(entitlement: ShownEntitlement | null) {
  if (entitlement === null) return null;
  const { formats: _, requestsPerMinute: __, ...coverage } = entitlement;
  return coverage;
}

function complete(base: ShownEntitlement, input: EntitlementInput): ShownEntitlement {
  const given = Object.entries(input).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const chosen = value ?? unlimited[name as keyof ShownEntitlement];
    return [[name, Array.isArray(chosen) ? [...new Set(chosen)].toSorted() : chosen]];
  });
  return { ...base, ...(Object.fromEntries(given) as Partial<ShownEntitlement>) };
}

async function columnsOf(tx: Transaction, scopes: readonly Scope[], wanted: ShownEntitlement) {
  const errors: FieldError[] = [];
  const refuse = (path: PropertyKey[], detail: string) => {
    errors.push({ pointer: pathPointer(["entitlement", ...path]), detail });
  };
  const past = scopes.filter((scope) => !readingPublishedAlone.includes(scope));
  if (past.length > 0)
    refuse([], `does not go with ${past.join(", ")}, which ${past.length > 1 ? "reach" : "reaches"} past it`);
  if (wanted.embargoed && !scopes.includes("embargo:read"))
    refuse(["embargoed"], "needs the scope embargo:read");
  if (wanted.from !== null && wanted.until !== null && wanted.from >= wanted.until)
    refuse(["until"], "must be later than from");
  const sections = await tx.section.findMany({ where: { slug: { in: wanted.sections } } });
  const tags = await tx.tag.findMany({ where: { slug: { in: wanted.tags } } });
  for (const [name, found] of [
    ["sections", sections],
    ["tags", tags],
  ] as const) {
    for (const [index, slug] of wanted[name].entries())
      if (!found.some((term) => term.slug === slug))
        refuse([name, index], `names no ${name.slice(0, -1)} that exists: ${slug}`);
  }
  if (errors.length > 0) throw invalidContent(errors);
  return {
    ...wanted,
    sections: { create: sections.map(({ id }) => ({ sectionId: id })) },
    tags: { create: tags.map(({ id }) => ({ tagId: id })) },
  };
}
