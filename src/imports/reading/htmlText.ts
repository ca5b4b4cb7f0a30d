import { Parser } from "htmlparser2";
import { inlineText } from "./inlineText.ts";
import { MAX_FIELD, fileRefused } from "./refuse.ts";

/** Elements that part what stands before them from what stands behind. */
export const blockElements = new Set(
  "address article aside body button center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul blockquote caption".split(
    " ",
  ),
);

/** How deep elements may lie in each other before the text is not believed. */
const MAX_DEPTH = 500;

/** @throws 422 when elements lie deeper in each other than in any text that was meant to be read */
export function refuseDepth(depth: number): void {
  if (depth > MAX_DEPTH)
    throw fileRefused(`has HTML whose elements lie more than ${MAX_DEPTH} deep in each other`);
}

/**
 * The words of HTML in one line, for headlines and the like.
 *
 * @throws 422 when it is longer than any field, or has elements that lie too deep in each other
 */
export function htmlText(html: string): string {
  if (html.length > MAX_FIELD)
    throw fileRefused(
      `has a title, or another short field, of ${html.length} characters, and no file that is whole has one of more than ${MAX_FIELD}`,
    );
  if (!/[<&]/.test(html)) return html.replace(/\s+/g, " ").trim();
  const inline = inlineText();
  let depth = 0;
  const parser = new Parser({
    ontext: (text) => {
      inline.add(text, "collapsed");
    },
    onopentagname: (name) => {
      depth += 1;
      refuseDepth(depth);
      if (name === "br" || blockElements.has(name)) inline.add(" ", "collapsed");
    },
    onclosetag: () => {
      depth -= 1;
    },
  });
  parser.end(html);
  return inline.take().text;
}
