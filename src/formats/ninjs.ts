import type { Article } from "../articles/schema.ts";
import { labelsFor } from "../pages/labels.ts";
import { type Context, type Listed, type Summary, uriOf } from "./context.ts";
import { htmlBody } from "./html.ts";
import { bodyText } from "./text.ts";

type Block = Article["body"][number];
type Json = Record<string, unknown>;

const standard = {
  name: "ninjs",
  version: "3.2",
  schema: "http://www.iptc.org/std/ninjs/ninjs-schema_3.2.json#",
};

/**
 * An article as IPTC ninjs 3.2. Its identity is `urn:uuid:` and its id, wherever it is asked for; the
 * permalink is among `altIds`. Share counts have no place in ninjs. Key points are descriptions with
 * the role `keypoint`, in their order, and stand in the HTML too, as corrections do; every correction
 * is in `edNote`.
 */
export async function ninjs(article: Article, context: Context): Promise<string> {
  const html = await htmlBody(article);
  const text = bodyText(article);
  const media = article.body.filter(({ type }) => type === "image" || type === "embed").length;
  const words = article.body.filter(({ type }) => type === "paragraph").length;
  const item = present({
    ...head(article, context),
    type: media > words ? "composite" : "text",
    representationType: "full",
    bodies: [
      {
        role: "main",
        contentType: "text/html",
        charCount: charCount(text),
        wordCount: wordCount(text, article),
        value: html,
      },
      {
        role: "plain",
        contentType: "text/plain",
        charCount: charCount(text),
        wordCount: wordCount(text, article),
        value: text,
      },
    ],
    associations: [...pictures(article.body), ...embeds(article.body), ...links(article, context)],
  });
  return JSON.stringify(item);
}

/** A page of a list as an array of ninjs objects, as IPTC's own example of a collection is. */
export function ninjsList({ articles }: Listed): string {
  return JSON.stringify(articles.map(({ article, context }) => partial(article, context)));
}

/** An article without its body. */
export function ninjsSummary(article: Summary, context: Context): string {
  return JSON.stringify(partial(article, context));
}

function partial(article: Summary, context: Context): Json {
  return present({
    ...head(article, context),
    type: "text",
    representationType: "partial",
    associations: links(article, context),
  });
}

function head(article: Summary, { address, inFull, section, tags }: Context): Json {
  const { id, dateline, authors, publishedAt, createdAt, corrections } = article;
  const terms = [
    { name: section, path: `/v1/sections/${article.section}` },
    ...article.tags.map((slug, index) => ({ name: tags[index] ?? slug, path: `/v1/tags/${slug}` })),
  ];
  const first = article.firstPublishedAt ?? publishedAt ?? createdAt;
  const names = new Intl.ListFormat([article.language, "en"]).format(authors.map(({ name }) => name));
  return present({
    uri: `urn:uuid:${id}`,
    profile: "article",
    standard,
    version: String(article.version),
    firstCreated: first,
    versionCreated: article.updatedAt,
    contentCreated: first < createdAt ? first : createdAt,
    embargoedUntil: article.embargoedUntil ?? undefined,
    expires: article.expiresAt ?? undefined,
    pubStatus: "usable",
    edNote: corrections.map(({ text }) => `CORRECTION: ${text}`).join("\n") || undefined,
    language: article.language,
    headlines: [
      { role: "main", contentType: "text/plain", value: article.headline },
      ...(article.standfirst === null
        ? []
        : [{ role: "subhead", contentType: "text/plain", value: article.standfirst }]),
    ],
    descriptions: article.keyPoints.map(({ text }) => ({
      role: "keypoint",
      contentType: "text/plain",
      value: text,
    })),
    by: names === "" ? undefined : `${labelsFor(article.language).by} ${names}`,
    people: authors.map((author) => ({ name: author.name, rel: "author", uri: `urn:uuid:${author.id}` })),
    located: dateline?.split(/[,،]/, 1)[0]?.trim() || dateline || undefined,
    places: dateline === null ? [] : [{ name: dateline, rel: "dateline" }],
    subjects: terms.flatMap(({ name, path }) =>
      name === null ? [] : [present({ name, rel: "about", uri: uriOf(inFull(path)) })],
    ),
    altIds: [
      { role: "internal", value: id },
      { role: "permalink", value: address },
    ],
  });
}

function pictures(body: Block[]): Json[] {
  return body
    .filter((block) => block.type === "image")
    .map(({ url, alt, caption, credit }, index) =>
      present({
        name: index === 0 ? "mainPicture" : `picture${index + 1}`,
        rel: "illustration",
        uri: uriOf(url),
        type: "picture",
        by: credit ?? undefined,
        descriptions: [
          { role: "caption", value: caption },
          { role: "alt", value: alt },
        ].flatMap(({ role, value }) =>
          value === null || value === "" ? [] : [{ role, contentType: "text/plain", value }],
        ),
        renditions: [present({ name: "main", href: uriOf(url) })],
      }),
    );
}

function embeds(body: Block[]): Json[] {
  return body
    .filter((block) => block.type === "embed")
    .map(({ url }, index) =>
      present({
        name: `embed${index + 1}`,
        rel: "embed",
        uri: uriOf(url),
        altIds: [{ role: "permalink", value: url }],
      }),
    );
}

const kinds = {
  alsoRead: { label: "ALSO READ", rel: "seeAlso" },
  background: { label: "BACKGROUND", rel: "background" },
  source: { label: "SOURCE", rel: "source" },
  external: { label: "EXTERNAL", rel: "external" },
} as const;

function links({ relatedLinks }: Summary, { inFull }: Context): Json[] {
  return relatedLinks.map(({ id, kind, title, url, articleId }) => {
    const { label, rel } = kinds[kind];
    const address = url === null ? undefined : uriOf(inFull(url));
    // A bare title has no address yet, but each link has an id.
    const own = articleId === null ? (address ?? `urn:uuid:${id}`) : `urn:uuid:${articleId}`;
    return present({
      name: `${label}: ${title ?? url ?? ""}`,
      rel,
      uri: own,
      type: kind === "alsoRead" ? "text" : undefined,
      headlines: title === null ? [] : [{ value: title }],
      altIds: address === undefined ? [] : [{ role: "permalink", value: address }],
    });
  });
}

/** Without what is undefined, and lists without anything in them. */
function present(json: Json): Json {
  return Object.fromEntries(
    Object.entries(json).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

const charCount = (text: string) => Array.from(text).length;

/** Words as the language parts them (Unicode, UAX #29). */
export function wordCount(text: string, { language }: { language: string }): number {
  let words = 0;
  for (const { isWordLike } of new Intl.Segmenter(language, { granularity: "word" }).segment(text))
    if (isWordLike === true) words += 1;
  return words;
}
