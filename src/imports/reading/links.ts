import type { DraftLink } from "../entry.ts";
import { type Marked, fromPlace } from "./inlineText.ts";

const alsoReadLabel = /^(also read|read (also|more)|related)\s*:\s*/i;

/** An address on the web in full. */
export function addressOf(address: string | undefined | null, base?: string | null): string | null {
  const written = address?.trim();
  if (written === undefined || written === "" || written.startsWith("#")) return null;
  const against = base ?? undefined;
  if (!URL.canParse(written, against)) return null;
  const url = new URL(written, against);
  if (!/^https?:$/.test(url.protocol) || url.href.length > 2048) return null;
  return url.href;
}

/** A link that a paragraph names as one to be read also: by its label, with an address or a title alone. */
export function alsoRead(paragraph: Marked): DraftLink | undefined {
  const label = alsoReadLabel.exec(paragraph.text)?.[0];
  if (label === undefined) return undefined;
  const rest = fromPlace(paragraph, label.length);
  const [link, ...others] = rest.marks.filter((mark) => mark.type === "link");
  if (others.length > 0 || rest.text === "" || rest.text.length > 500 || rest.text.includes("\n"))
    return undefined;
  if (link === undefined)
    return /^also read/i.test(label) ? { kind: "alsoRead", title: rest.text, url: null } : undefined;
  return link.start === 0 && link.end === rest.text.length
    ? { kind: "alsoRead", title: rest.text, url: link.url }
    : undefined;
}

/** The link of a paragraph, or of an item, that is one. */
export function placedLink(marked: Marked): DraftLink {
  const link = marked.marks.find((mark) => mark.type === "link");
  if (link !== undefined)
    return { kind: "alsoRead", title: marked.text.slice(link.start, link.end), url: link.url };
  const label = marked.marks.find((mark) => mark.type === "strong" && mark.start === 0);
  return { kind: "alsoRead", title: marked.text.slice(label?.end ?? 0).trim() || marked.text, url: null };
}
