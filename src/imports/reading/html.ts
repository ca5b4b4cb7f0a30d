import { Parser } from "htmlparser2";
import { datelineIn } from "../newsPage.ts";
import type { DraftBlock, DraftLink, Image } from "../entry.ts";
import { MAX_FIELD, fileRefused } from "./refuse.ts";
import { type Marked, asBlock, fromPlace, inlineText, joined } from "./inlineText.ts";

/** What HTML says, in blocks. */
export interface HtmlContent {
  body: DraftBlock[];
  relatedLinks: DraftLink[];
  keyPoints: string[];
  dateline: string | null;
  standfirst: string | null;
  /** What could not be carried over, in words, each once. */
  remarks: string[];
}

const noHead = { dateline: null, standfirst: null };
/** The longest caption, credit or attribution, in characters. */
const MAX_LINE = 1000;
/** How deep elements may lie in each other before the text is not believed. */
const MAX_DEPTH = 500;
/** How many items a list may have. */
const MAX_LIST = 1000;

interface Options {
  /** What relative addresses are relative to. */
  base?: string | null | undefined;
  /** Whether line breaks in the text are line breaks, and blank lines part paragraphs, as in WordPress's editor. */
  hasLines?: boolean;
}

const marks = {
  strong: "strong",
  b: "strong",
  em: "emphasis",
  i: "emphasis",
  code: "code",
  kbd: "code",
  samp: "code",
  tt: "code",
} as const;
const isMark = (name: string): name is keyof typeof marks => Object.hasOwn(marks, name);
const blockElements = new Set(
  "address article aside body button center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul blockquote caption".split(
    " ",
  ),
);
/** What readers are not shown as text; those with a name are told of. */
const hidden = new Map([
  ["script", "a script"],
  ["style", ""],
  ["head", ""],
  ["noscript", ""],
  ["template", ""],
  ["svg", "a drawing (svg)"],
  ["math", "a formula (math)"],
  ["form", "a form"],
  ["select", ""],
  ["textarea", ""],
  ["canvas", "a drawing (canvas)"],
  ["button", ""],
]);
const socialPost =
  /(^|\s)(twitter-tweet|twitter-video|instagram-media|tiktok-embed|fb-post|reddit-embed-bq|bluesky-embed)(\s|$)/;
const keyPointsClass = /(^|\s)(key-?points|key-?takeaways|key-?facts)(\s|$)/i;
const keyPointsTitle = /^(key (points|takeaways|facts)|takeaways|at a glance)\s*:?$/i;
const alsoReadLabel = /^(also read|read (also|more)|related)\s*:\s*/i;
const bareAddress = /^https?:\/\/\S+$/;

/** Where a piece of text belongs, by the elements that it lies in. */
type Place =
  | { kind: "paragraph" | "dropped" | "keyPoints" | "related" | "dateline" | "standfirst" }
  | { kind: "heading"; level: number }
  | { kind: "preformatted" }
  | { kind: "quote"; parts: Marked[]; attribution: string[]; isPost: boolean; address: string | null }
  | { kind: "attribution" | "caption" | "credit" | "cell" | "alsoRead" | "embed" }
  | { kind: "list"; ordered: boolean; items: Marked[] }
  | { kind: "item"; parts: Marked[] }
  | {
      kind: "figure";
      images: Image[];
      texts: string[];
      credit: string[];
      isEmbed: boolean;
      after: DraftBlock[];
    }
  | { kind: "row"; cells: string[] };
type Of<Kind extends Place["kind"]> = Extract<Place, { kind: Kind }>;

interface Level {
  name: string;
  place: Place | undefined;
  mark: "strong" | "emphasis" | "code" | "link" | undefined;
}

/**
 * Reads HTML, whatever its state, into blocks: text with the marks that blocks know, headings, lists,
 * quotes, images, embeds. Elements that mean nothing here are looked through, and what is not text and
 * has no block is left out and told of. Nothing of it can do anything in a reader's browser afterwards.
 *
 * @throws 422 when elements lie too deep in each other
 */
export function htmlContent(html: string, { base, hasLines = false }: Options = {}): HtmlContent {
  const content: HtmlContent = { body: [], relatedLinks: [], keyPoints: [], ...noHead, remarks: [] };
  const remarks = new Set<string>();
  const inline = inlineText();
  const levels: Level[] = [];

  const placeOf = <Kind extends Place["kind"]>(...kinds: Kind[]): Of<Kind> | undefined =>
    levels.findLast(({ place }) => place !== undefined && (kinds as string[]).includes(place.kind))?.place as
      Of<Kind> | undefined;
  const innermost = () => levels.findLast(({ place }) => place !== undefined)?.place;
  const resolved = (address: string | undefined): string | null => addressOf(address, base);

  /** Puts a block where it belongs: what lies in a figure comes with it, what lies in a list after it. */
  const emit = (block: DraftBlock) => {
    const figure = placeOf("figure");
    if (figure !== undefined && block.type !== "image") figure.after.push(block);
    else content.body.push(block);
  };
  const emitLink = (link: DraftLink) => {
    content.relatedLinks.push(link);
    emit({ type: "relatedLink", link: content.relatedLinks.length - 1 });
  };

  const emitParagraph = (paragraph: Marked) => {
    if (hasLines && bareAddress.test(paragraph.text) && URL.canParse(paragraph.text)) {
      emit({ type: "embed", url: new URL(paragraph.text).href });
      return;
    }
    const link = alsoRead(paragraph);
    if (link !== undefined) emitLink(link);
    else emit({ type: "paragraph", ...asBlock(paragraph) });
  };

  /** Delivers the text that was read to where it belongs. */
  const flush = () => {
    if (inline.isEmpty()) {
      inline.take();
      return;
    }
    const place = innermost();
    const taken = inline.take();
    switch (place?.kind) {
      case "dropped":
        return;
      case "dateline":
        content.dateline ??= taken.text.replace(/\s*:$/, "");
        return;
      case "standfirst":
        content.standfirst ??= taken.text;
        return;
      case "heading":
        emit({ type: "heading", level: place.level, ...asBlock(taken) });
        return;
      case "preformatted":
        emit({
          type: "paragraph",
          text: taken.text,
          marks: [{ type: "code", start: 0, end: taken.text.length }],
        });
        return;
      case "quote":
        place.parts.push(taken);
        return;
      case "item":
        place.parts.push(taken);
        return;
      case "attribution":
        placeOf("quote")?.attribution.push(taken.text);
        return;
      case "caption":
        placeOf("figure")?.texts.push(taken.text);
        return;
      case "credit":
        placeOf("figure")?.credit.push(taken.text);
        return;
      case "figure":
        place.texts.push(taken.text);
        return;
      case "cell":
        placeOf("row")?.cells.push(taken.text);
        return;
      case "row":
        place.cells.push(taken.text);
        return;
      case "embed": {
        const url = taken.marks.find((mark) => mark.type === "link")?.url ?? taken.text;
        if (bareAddress.test(url) && URL.canParse(url)) emit({ type: "embed", url });
        else emitParagraph(taken);
        return;
      }
      case "alsoRead":
        emitLink(placedLink(taken));
        return;
      case "list":
        place.items.push(taken);
        return;
      case "keyPoints":
        // Only what is listed is a key point; the rest is its heading.
        return;
      default:
        emitParagraph(taken);
    }
  };

  const finishImage = (image: Image) => {
    content.body.push({ type: "image", ...image });
  };
  const takeImage = (attributes: Attributes) => {
    const source =
      [
        attributes.src,
        attributes["data-src"],
        attributes["data-lazy-src"],
        attributes.srcset?.trim().split(/[\s,]/, 1)[0],
      ].find((one) => one !== undefined && one !== "" && !one.startsWith("data:")) ?? attributes.src;
    if (attributes.width === "1" || attributes.height === "1" || placeOf("dropped") !== undefined) return;
    const url = resolved(source);
    if (url === null) {
      remarks.add(
        `the image ${(source ?? "without an address").slice(0, 100)} was left out, for it has no address of its own on the web`,
      );
      return;
    }
    const alt = attributes.alt ?? null;
    if (alt !== null && alt.length > MAX_LINE)
      remarks.add(
        `the description of the image ${url} was left out, for it is longer than ${MAX_LINE} characters`,
      );
    const image = {
      url,
      alt: alt !== null && alt.length > MAX_LINE ? null : alt,
      caption: null,
      credit: null,
    };
    const figure = placeOf("figure");
    if (figure !== undefined) figure.images.push(image);
    else {
      flush();
      finishImage(image);
    }
  };
  const takeEmbed = (address: string | undefined, what: string) => {
    const url = resolved(address);
    if (url === null) {
      if (address !== undefined) remarks.add(`${what} was left out, for it has no address on the web`);
      return;
    }
    if (placeOf("dropped") !== undefined) return;
    flush();
    const last = content.body.at(-1);
    if (last?.type !== "embed" || last.url !== url) emit({ type: "embed", url });
  };

  /** What an element makes of what lies in it. */
  const placeFor = (name: string, attributes: Attributes): Place | undefined => {
    const names = attributes.class ?? "";
    const told = hidden.get(name);
    if (told !== undefined) {
      if (told !== "" && placeOf("dropped") === undefined) remarks.add(`${told} was left out`);
      return { kind: "dropped" };
    }
    if (keyPointsClass.test(names)) return { kind: "keyPoints" };
    if (name === "section" && /(^|\s)related(\s|$)/.test(names)) return { kind: "related" };
    if (/(^|\s)also-read(\s|$)/.test(names)) return { kind: "alsoRead" };
    if (name === "p" && names === "embed") return { kind: "embed" };
    if (/(^|\s)standfirst(\s|$)/.test(names) && content.standfirst === null && content.body.length === 0)
      return { kind: "standfirst" };
    if (/(^|\s)dateline(\s|$)/.test(names) && content.body.length === 0) return { kind: "dateline" };
    switch (name) {
      case "h1":
      case "h2":
      case "h3":
      case "h4":
      case "h5":
      case "h6":
        return placeOf("item", "quote", "keyPoints", "related", "figure")
          ? undefined
          : { kind: "heading", level: Math.min(4, Math.max(2, Number(name.slice(1)))) };
      case "pre":
        return placeOf("item", "quote") ? undefined : { kind: "preformatted" };
      case "blockquote":
        if (placeOf("item", "quote") !== undefined) return undefined;
        return {
          kind: "quote",
          parts: [],
          attribution: [],
          isPost: socialPost.test(names),
          address: resolved(attributes["data-instgrm-permalink"] ?? attributes.cite),
        };
      case "cite":
      case "footer":
        return placeOf("quote") ? { kind: "attribution" } : undefined;
      case "figure":
        return placeOf("item", "quote") === undefined
          ? { kind: "figure", images: [], texts: [], credit: [], isEmbed: /embed/.test(names), after: [] }
          : undefined;
      case "figcaption":
      case "caption":
        return placeOf("figure") ? { kind: "caption" } : undefined;
      case "ul":
      case "ol":
      case "menu":
        if (placeOf("item") !== undefined) {
          remarks.add("a list within a list became a part of it");
          return undefined;
        }
        return { kind: "list", ordered: name === "ol", items: [] };
      case "li":
        // The items of a list within a list stand behind the item that they belong to.
        return placeOf("list") ? { kind: "item", parts: [] } : undefined;
      case "tr":
        return { kind: "row", cells: [] };
      case "td":
      case "th":
        return placeOf("row") ? { kind: "cell" } : undefined;
    }
    const isCredit = /(^|\s)(credit|credits|photo-credit|media-credit|copyright)(\s|$)/.test(names);
    return isCredit && placeOf("figure") !== undefined ? { kind: "credit" } : undefined;
  };

  const finishList = ({ ordered, items }: Of<"list">) => {
    if (items.length === 0) return;
    if (placeOf("keyPoints") !== undefined) {
      content.keyPoints.push(...items.map(({ text }) => text));
      return;
    }
    if (placeOf("related") !== undefined) {
      content.relatedLinks.push(...items.map(placedLink));
      return;
    }
    const title = content.body.at(-1);
    const isTitled =
      (title?.type === "heading" || title?.type === "paragraph") && keyPointsTitle.test(title.text);
    if (isTitled && content.keyPoints.length === 0) {
      content.body.pop();
      content.keyPoints.push(...items.map(({ text }) => text));
      return;
    }
    for (let start = 0; start < items.length; start += MAX_LIST) {
      const part = items.slice(start, start + MAX_LIST);
      emit({
        type: "list",
        ordered,
        items: part.map((item) => (item.marks.length === 0 ? item.text : item)),
      });
    }
  };

  const finishFigure = ({ images, texts, credit, isEmbed, after }: Of<"figure">) => {
    const text = texts.join("\n");
    const [quote] = after;
    if (images.length === 0 && isEmbed && bareAddress.test(text) && URL.canParse(text)) {
      emit({ type: "embed", url: new URL(text).href });
    } else if (images.length === 0 && quote?.type === "quote" && after.length === 1) {
      emit({ ...quote, attribution: quote.attribution ?? (text || null) });
    } else {
      const last = images.length - 1;
      const by = credit.join("\n");
      for (const [index, image] of images.entries())
        finishImage(index === last ? { ...image, caption: short(text), credit: short(by) } : image);
      for (const block of after) emit(block);
      const rest = [text, by].filter((one) => one !== "" && (images.length === 0 || short(one) === null));
      for (const one of rest) emit({ type: "paragraph", text: one });
    }
  };

  const finish = (place: Place) => {
    switch (place.kind) {
      case "quote": {
        const text = joined(place.parts, "\n\n");
        const attribution = place.attribution.join("\n").replace(/^[—–-]\s*/, "") || null;
        const address = place.address ?? text.marks.findLast((mark) => mark.type === "link")?.url;
        if (place.isPost && address != null) emit({ type: "embed", url: address });
        else if (text.text !== "") emit({ type: "quote", ...asBlock(text), attribution: short(attribution) });
        if (attribution !== null && (text.text === "" || short(attribution) === null))
          emit({ type: "paragraph", text: attribution });
        return;
      }
      case "item": {
        const item = joined(place.parts, "\n");
        if (item.text !== "") placeOf("list")?.items.push(item);
        return;
      }
      case "list":
        finishList(place);
        return;
      case "figure":
        finishFigure(place);
        return;
      case "row": {
        const cells = place.cells.filter((cell) => cell !== "");
        if (cells.length === 0) return;
        remarks.add("a table became a paragraph for each of its rows");
        emit({ type: "paragraph", text: cells.join(" | ") });
        return;
      }
      default:
    }
  };

  const parser = new Parser(
    {
      onopentag(name, attributes) {
        refuseDepth(levels.length + 1);
        if (name === "br") {
          inline.breakLine();
          return;
        }
        if (name === "img") {
          takeImage(attributes);
          return;
        }
        if (name === "iframe" || name === "embed")
          takeEmbed(attributes.src ?? attributes["data-src"], `an ${name}`);
        if (name === "video" || name === "audio") takeEmbed(attributes.src, `a ${name}`);
        if (name === "source") takeEmbed(attributes.src, "a film or sound");
        if (name === "object") takeEmbed(attributes.data, "an object");
        const place = placeFor(name, attributes);
        if (place !== undefined || blockElements.has(name)) flush();
        if (name === "hr" && placeOf("dropped") === undefined) emit({ type: "rule" });
        // The items of a list in a list: the item around them ends where they begin.
        if (place?.kind === "item") endItem();
        const url = name === "a" ? resolved(attributes.href) : null;
        if (url === null && /^[^#\s:]+$/.test(attributes.href ?? "") && base == null)
          remarks.add("addresses of links that do not say of which site they are were left out");
        const mark = isMark(name) ? marks[name] : url === null ? undefined : ("link" as const);
        if (mark !== undefined && placeOf("preformatted") === undefined) inline.open(mark, url ?? "");
        levels.push({ name, place, mark });
      },
      ontext(text) {
        if (placeOf("dropped") !== undefined) return;
        if (placeOf("preformatted") !== undefined) inline.add(text, "kept");
        else if (!hasLines) inline.add(text, "collapsed");
        else {
          for (const [index, part] of text.split(/\n[ \t\r]*\n\s*/).entries()) {
            if (index > 0) flush();
            inline.add(part, "lines");
          }
        }
      },
      oncomment(text) {
        const block = /^\s*wp:([a-z][\w/-]*)\b[\s\S]*\/\s*$/.exec(text.slice(0, 10_000))?.[1];
        if (block !== undefined && !/^(more|nextpage|spacer|separator)$/.test(block))
          remarks.add(`the block ${block} was left out, for WordPress fills it as it is shown`);
      },
      onclosetag(name) {
        const level = levels.at(-1);
        if (level?.name !== name) return;
        if (level.place !== undefined || blockElements.has(name)) flush();
        if (level.mark !== undefined) inline.close(level.mark);
        if (name === "q") inline.add("”", "collapsed");
        levels.pop();
        if (level.place !== undefined) finish(level.place);
      },
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );

  /** Ends the item that lies around another, so that both stand in the list. */
  function endItem(): void {
    const around = placeOf("item");
    if (around === undefined || around.parts.length === 0) return;
    placeOf("list")?.items.push(joined(around.parts, "\n"));
    around.parts = [];
  }

  parser.end(html);
  flush();
  takeDateline(content);
  content.remarks = [...remarks];
  return content;
}

/** A line that is not too long to be one. */
function short(text: string | null): string | null {
  return text === null || text === "" || text.length > MAX_LINE ? null : text;
}

type Attributes = Record<string, string | undefined>;

function refuseDepth(depth: number): void {
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

/** Plain text as blocks: blank lines part paragraphs, or line breaks where there are none. */
export function textContent(text: string): HtmlContent {
  const whole = text.trim().replaceAll(/\r\n?/g, "\n");
  const parts = /\n[ \t]*\n/.test(whole) ? whole.split(/\n[ \t]*\n\s*/) : whole.split("\n");
  const body = parts
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part): DraftBlock => ({ type: "paragraph", text: part }));
  return takeDateline({ body, relatedLinks: [], keyPoints: [], ...noHead, remarks: [] });
}

/** Moves the place where it was filed out of the first paragraph, if that opens with it. */
function takeDateline(content: HtmlContent): HtmlContent {
  const first = content.body.find((block) => block.type === "paragraph");
  const place = first === undefined || content.dateline !== null ? null : datelineIn(first.text);
  if (first === undefined || place === null) return content;
  const at = content.body.indexOf(first);
  const rest = fromPlace({ text: first.text, marks: first.marks ?? [] }, place.length + 1);
  content.dateline = place;
  if (rest.text === "") content.body.splice(at, 1);
  else content.body[at] = { type: "paragraph", ...asBlock(rest) };
  return content;
}

/** A link that a paragraph names as one to be read also: by its label, with an address or a title alone. */
function alsoRead(paragraph: Marked): DraftLink | undefined {
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
function placedLink(marked: Marked): DraftLink {
  const link = marked.marks.find((mark) => mark.type === "link");
  if (link !== undefined)
    return { kind: "alsoRead", title: marked.text.slice(link.start, link.end), url: link.url };
  const label = marked.marks.find((mark) => mark.type === "strong" && mark.start === 0);
  return { kind: "alsoRead", title: marked.text.slice(label?.end ?? 0).trim() || marked.text, url: null };
}

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
