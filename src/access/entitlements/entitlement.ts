import { problem } from "../../http/problems.ts";
import type { DeliveryFormat } from "./schema.ts";

/** What a key gets of what is published, as reading goes by it. */
export interface Entitlement {
  /**
   * The ids of sections, those of tags, and languages as terms (`language_term` in the database): where it
   * names some, an article must be listed under one of them.
   */
  sections: readonly string[];
  tags: readonly string[];
  languages: readonly string[];
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
    'sections', ARRAY(SELECT section_id FROM entitlement_sections s WHERE s.key_id = e.key_id),
    'tags', ARRAY(SELECT tag_id FROM entitlement_tags t WHERE t.key_id = e.key_id),
    'languages', ARRAY(SELECT language_term(l) FROM unnest(e.languages) l),
    'from', e."from", 'until', e.until, 'embargoed', e.embargoed, 'content', e.content,
    'formats', e.formats, 'requestsPerMinute', e.requests_per_minute)
  FROM entitlements e WHERE e.key_id = keys.id)`;

/**
 * Refuses a form that an entitlement leaves out.
 *
 * @throws 406 that names those it has
 */
export function requireFormat(entitlement: Entitlement | null, format: DeliveryFormat): void {
  if (grants(entitlement, format)) return;
  throw problem(
    "not-acceptable",
    `The key is entitled to ${entitlement?.formats.join(", ") ?? ""}; this answers as ${format}.`,
  );
}

/** The same as SQL, of JSON and the key that a column names. */
export const mayHaveJson = (column: string) => `NOT EXISTS (
  SELECT FROM entitlements n
  WHERE n.key_id = ${column} AND cardinality(n.formats) > 0 AND NOT 'json' = ANY (n.formats))`;

/** Whether a form is one that an entitlement has. */
export function grants(entitlement: Entitlement | null, format: DeliveryFormat): boolean {
  const formats = entitlement?.formats ?? [];
  return formats.length === 0 || formats.includes(format);
}
