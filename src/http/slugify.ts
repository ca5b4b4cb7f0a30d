import { transliterate } from "transliteration";
import { SLUG_LENGTH, isId } from "./scalars.ts";

/** How long a slug that is made may be, so that a number still fits behind it. */
const MADE_LENGTH = 80;

/**
 * A slug made from a title in any script: transliterated to ASCII, lower case, words parted by
 * hyphens, cut between words at 80 characters.
 *
 * @param fallback what the slug is when nothing of the title is left, as with emoji alone
 */
export function slugify(title: string, fallback: string): string {
  const words = transliterate(title.slice(0, 4 * SLUG_LENGTH).replace(/['’‘ʼ]/g, ""))
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
  let slug = "";
  for (const word of words) {
    const longer = slug === "" ? word.slice(0, MADE_LENGTH) : `${slug}-${word}`;
    if (longer.length > MADE_LENGTH) break;
    slug = longer;
  }
  return slug === "" || isId(slug) ? fallback : slug;
}
