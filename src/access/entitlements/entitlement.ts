import type { DeliveryFormat } from "./schema.ts";

/** What a key gets of what is published, as reading goes by it. */
export interface Entitlement {
  /**
   * The ids of sections, those of tags, and languages as terms (`language_term` in the database), as
   * far as it names some: an article must be listed under one of each.
   */
  anyOf: readonly (readonly string[])[];
  /** When the articles were published, in RFC 3339: from the first on, and before the second. */
  from: string | null;
  until: string | null;
  embargoed: boolean;
  content: "full" | "summary";
  /** The forms that it may be had in; none: all. */
  formats: readonly DeliveryFormat[];
  requestsPerMinute: number | null;
}

/** An entitlement of a row `keys` as JSON, or NULL: a part of the statement that finds a key. */
export const entitlementColumn = `(
  SELECT json_build_object(
    'anyOf', json_build_array(
      ARRAY(SELECT section_id FROM entitlement_sections s WHERE s.key_id = e.key_id),
      ARRAY(SELECT tag_id FROM entitlement_tags t WHERE t.key_id = e.key_id),
      ARRAY(SELECT language_term(l) FROM unnest(e.languages) l)),
    'from', e."from", 'until', e.until, 'embargoed', e.embargoed, 'content', e.content,
    'formats', e.formats, 'requestsPerMinute', e.requests_per_minute)
  FROM entitlements e WHERE e.key_id = keys.id)`;

/** Reads that column. */
export function entitlementOf(column: Entitlement | null): Entitlement | null {
  if (column === null) return null;
  return { ...column, anyOf: column.anyOf.filter((terms) => terms.length > 0) };
}
