import type { Entry, Image } from "../entry.ts";
import { type HtmlContent, addressOf, htmlContent, htmlText, textContent } from "../reading/html.ts";
import { type Json, type JsonRecord, objectOf, objectsOf, stringOf } from "../reading/json.ts";
import { articleEntry, left, lineOf, slugIn, slugOf, termOf } from "./article.ts";

/**
 * IPTC ninjs: 1.x, whose properties are single texts, 2.x, whose are lists in lower case, and 3.x,
 * whose are lists in camel case. All are read by their names in lower case.
 */
export async function* ninjs(records: AsyncIterable<JsonRecord>): AsyncGenerator<Entry> {
  for await (const { number, value } of records) yield item(number, lowered(value) as Json);
}

/** The same with all names of properties in lower case. Values that ninjs keeps by language stay as they are. */
function lowered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lowered);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key.toLowerCase(), lowered(one)]));
}

function item(line: number, found: Json): Entry {
  const headlines = textsOf(found, "headline", "headlines");
  const headline =
    (headlines.find(({ role }) => role === "main") ?? headlines[0])?.value ?? stringOf(found.title);
  const uri = stringOf(found.uri);
  const type = stringOf(found.type) ?? "text";
  const status = stringOf(found.pubstatus) ?? "usable";
  if (!/^(text|composite)$/.test(type))
    return left(line, headline ?? uri, `is of the type ${type.slice(0, 50)}, and no text`);
  if (status.startsWith("cancel")) return left(line, headline ?? uri, "was canceled there");
  const descriptions = textsOf(found, "description", "descriptions");
  const permalink = objectsOf(found.altids).find(({ role }) => role === "permalink");
  const link = stringOf(permalink?.value) ?? stringOf(objectOf(found.altids).permalink);
  const content = contentOf(found, addressOf(link));
  const keyPoints = descriptions.filter(({ role }) => /^key-?points?$/i.test(role)).map(({ value }) => value);
  const summary = [
    ...headlines.filter(({ role }) => /^sub/i.test(role)),
    ...descriptions.filter(({ role }) => /^(summary|short|lead|standfirst)$/i.test(role)),
  ][0];
  const subjects = listOf(found, "subject", "subjects");
  const isSection = ({ uri: subject }: Json) => /\/sections\//.test(stringOf(subject) ?? "");
  const people = listOf(found, "person", "people").filter(({ rel }) => rel === "author");
  const byline = stringOf(found.by) ?? stringOf(found.byline);
  const associations = Array.isArray(found.associations)
    ? objectsOf(found.associations)
    : objectsOf(Object.values(objectOf(found.associations)));
  const pictures = associations.filter((one) => one.type === "picture");
  const links = linksOf(associations, content);
  return articleEntry({
    line,
    key: uri,
    headline: headline === null ? null : htmlText(headline),
    content: { ...content, relatedLinks: [...content.relatedLinks, ...links] },
    standfirst: summary?.value ?? null,
    dateline: datelineOf(found),
    slug: slugIn(link) ?? slugOf(stringOf(found.slugline)),
    language: stringOf(found.language),
    section: subjects.filter(isSection).flatMap(({ name }) => termOf(stringOf(name)))[0] ?? null,
    tags: subjects.filter((one) => !isSection(one)).flatMap(({ name }) => termOf(stringOf(name))),
    authors:
      people.length > 0
        ? people.flatMap(({ name }) => termOf(stringOf(name)))
        : termOf((byline ?? "").replace(/^\s*(by|von|par|por|av)\s+/i, "")),
    pictures: pictures.flatMap(pictureOf),
    keyPoints,
    publishedAt:
      stringOf(found.firstcreated) ?? stringOf(found.contentcreated) ?? stringOf(found.versioncreated),
    embargoedUntil: stringOf(found.embargoeduntil) ?? stringOf(found.embargoed),
    expiresAt: stringOf(found.expires),
    isPublished: status === "usable",
    remarks: [
      ...(status === "usable" ? [] : [`is ${status.slice(0, 50)} there, so it stays a draft`]),
      ...associations
        .filter((one) => /^(video|audio|graphic)$/.test(stringOf(one.type) ?? ""))
        .map((one) => `the ${stringOf(one.type)} ${stringOf(one.name)?.slice(0, 100) ?? ""} was left out`),
    ],
  });
}

interface Text {
  role: string;
  contentType: string;
  value: string;
}

/** Texts by their role: a list of them, or those of 1.x, as `headline` and `body_html`. */
function textsOf(found: Json, single: string, plural: string): Text[] {
  const listed = objectsOf(found[plural]).map((one) => ({
    role: stringOf(one.role) ?? "",
    contentType: stringOf(one.contenttype) ?? "",
    value: stringOf(one.value) ?? "",
  }));
  const named = Object.entries(found)
    .filter(([key]) => key === single || key.startsWith(`${single}_`))
    .map(([key, value]) => {
      const role = key.slice(single.length + 1);
      const contentType = /html/.test(role) ? "text/html" : "";
      return { role, contentType, value: stringOf(value) ?? "" };
    });
  return [...listed, ...named].filter(({ value }) => value !== "");
}

function listOf(found: Json, single: string, plural: string): Json[] {
  return [...objectsOf(found[plural]), ...objectsOf(found[single])];
}

/** The body that says most of how it is to look, of those that are there. */
function contentOf(found: Json, base: string | null): HtmlContent {
  const bodies = textsOf(found, "body", "bodies");
  const html = bodies.find(({ contentType, role }) => /html/.test(contentType) || /html/.test(role));
  if (html !== undefined) return htmlContent(bodyIn(html.value), { base });
  const plain = bodies.find(({ contentType }) => /^(text\/plain)?$/.test(contentType));
  if (plain !== undefined)
    return /<p[\s>]/i.test(plain.value) ? htmlContent(plain.value, { base }) : textContent(plain.value);
  const described = textsOf(found, "description", "descriptions").find(({ role }) =>
    /^(text|main|)$/.test(role),
  );
  const content = textContent(described?.value ?? "");
  return bodies.length === 0
    ? content
    : { ...content, remarks: ["its text was left out, for none of its forms is HTML or plain text"] };
}

/** A whole document has its headline in it once more. */
function bodyIn(html: string): string {
  const start = /<body[^>]{0,1000}>/i.exec(html);
  return start === null ? html : html.slice(start.index + start[0].length).replace(/<\/body>[\s\S]*$/i, "");
}

function datelineOf(found: Json): string | null {
  const place = listOf(found, "place", "places").find(({ rel }) => rel === "dateline");
  const printed = stringOf(place?.name) ?? stringOf(found.located);
  return printed === null || printed.length > 200 ? null : printed;
}

function pictureOf(picture: Json): Image[] {
  const renditions = Array.isArray(picture.renditions)
    ? objectsOf(picture.renditions)
    : objectsOf(Object.values(objectOf(picture.renditions)));
  const widest = renditions
    .filter(({ href }) => addressOf(stringOf(href)) !== null)
    .toSorted((one, other) => Number(other.width ?? 0) - Number(one.width ?? 0))[0];
  const url = addressOf(stringOf(widest?.href));
  if (url === null) return [];
  const texts = textsOf(picture, "description", "descriptions");
  const alt = texts.find(({ role }) => role === "alt")?.value;
  const caption = texts.find(({ role }) => role !== "alt")?.value;
  return [
    {
      url,
      alt: lineOf(alt),
      caption: lineOf(caption),
      credit: lineOf(stringOf(picture.by) ?? stringOf(picture.byline)),
    },
  ];
}

const kinds = {
  seealso: "alsoRead",
  background: "background",
  source: "source",
  external: "external",
} as const;

/** Links to other items, but for those that the text has at their places. */
function linksOf(associations: Json[], { relatedLinks }: HtmlContent): HtmlContent["relatedLinks"] {
  const placed = new Set(relatedLinks.map(({ title, url }) => url ?? title));
  return associations.flatMap((one) => {
    const kind = kinds[(stringOf(one.rel) ?? "").toLowerCase() as keyof typeof kinds];
    if (kind === undefined) return [];
    const title = textsOf(one, "headline", "headlines")[0]?.value ?? stringOf(one.name);
    const known = stringOf(objectsOf(one.altids).find(({ role }) => role === "permalink")?.value);
    const url = addressOf(known) ?? addressOf(stringOf(one.uri));
    if ((title === null && url === null) || placed.has(url ?? title) || placed.has(title)) return [];
    return [{ kind, title: title === null || title.length > 500 ? null : title, url }];
  });
}
