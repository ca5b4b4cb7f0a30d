/**
 * A title as titles are held against each other: without regard to case, to the form of quotes and
 * dashes, and to how much white space stands between words.
 */
export function titleKey(title: string): string {
  return title
    .normalize("NFKC")
    .replace(/[‘’‚‛′ʼ]/g, "'")
    .replace(/[“”„‟″«»]/g, '"')
    .replace(/[‐‑‒–—―−]/g, "-")
    .replace(/\s+/g, " ")
    .trim()
    .toLowerCase();
}
