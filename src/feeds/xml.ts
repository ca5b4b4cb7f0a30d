/** A piece of XML that is well-formed: what is put into the template tag `xml` is escaped, but for other such pieces. */
export interface Xml {
  readonly markup: string;
}

type Part = Xml | string | number | undefined | false | readonly Part[];

/**
 * What XML 1.0 has no way to write, not even escaped (section 2.2): control characters other than
 * tab and line ends, U+FFFE, U+FFFF and lone surrogates.
 */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const unwritable = /[\0-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]|\p{Surrogate}/gu;

/** What XML cannot hold is shown as U+FFFD, as Unicode has it for what cannot be represented. */
function writable(text: string): string {
  return text.replaceAll(unwritable, "\uFFFD");
}

/**
 * The template tag that makes XML: each value is text, in an element or in a quoted attribute alike.
 * By number, since readers of RSS take titles for HTML or for text, and `&#x26;` is right in both;
 * with the white space that attributes would lose.
 */
export function xml(strings: TemplateStringsArray, ...values: Part[]): Xml {
  return { markup: String.raw({ raw: strings }, ...values.map(markupOf)) };
}

/** Text that is markup itself, to be read more easily than if it were escaped. */
export function cdata(text: string): Xml {
  return { markup: `<![CDATA[${writable(text).replaceAll("]]>", "]]]]><![CDATA[>")}]]>` };
}

/** A whole document, in UTF-8. */
export function documentOf({ markup }: Xml): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${markup}\n`;
}

function markupOf(part: Part): string {
  if (part === undefined || part === false) return "";
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return "markup" in part ? part.markup : part.map(markupOf).join("");
}

function escaped(text: string): string {
  return writable(text).replaceAll(
    /[&<>"'\t\n\r]/g,
    (character) => `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`,
  );
}
