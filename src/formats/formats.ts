import { z } from "zod";
import type { Article } from "../articles/schema.ts";
import type { Context, Listed, Summary } from "./context.ts";
import { htmlFragment } from "./html.ts";
import { jsonLd, jsonLdList, jsonLdSummary } from "./jsonLd.ts";
import { markdown } from "./markdown.ts";
import { ninjs, ninjsList, ninjsSummary } from "./ninjs.ts";
import { plainText } from "./text.ts";

/** A form that an article is answered in beside our own JSON, which is made from that JSON. */
export interface Format {
  name: FormatName;
  /** What Accept names it by. */
  mediaType: string;
  /** The media type as it is answered. */
  contentType: string;
  article: (article: Article, context: Context) => string | Promise<string>;
  /** The same for whoever is entitled to summaries alone: an article without its body, and where the whole is. */
  summary: (article: Summary, context: Context) => string | Promise<string>;
  /** A page of a list; absent where the form has none. */
  list?: (listed: Listed) => string;
  schema: z.ZodType;
  listSchema?: z.ZodType;
}

const names = ["jsonld", "ninjs", "text", "markdown", "html"] as const;
export type FormatName = (typeof names)[number];

const JsonLd = z.looseObject({ "@context": z.literal("https://schema.org"), "@type": z.string() });
const Ninjs = z
  .looseObject({
    uri: z.string(),
    standard: z.looseObject({ name: z.literal("ninjs"), version: z.string() }),
  })
  .meta({
    id: "Ninjs",
    description: "A ninjs object, as IPTC's JSON Schema for ninjs 3.2 describes it.",
    examples: [
      {
        uri: "urn:uuid:0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
        standard: { name: "ninjs", version: "3.2" },
      },
    ],
  });
const textual = (example: string) => z.string().meta({ examples: [example] });

/** Renders a summary as an article whose only paragraph is the address of the whole, as a link where there are links. */
function withAddress(render: Format["article"]): Format["summary"] {
  return (article, context) => {
    const { address: url } = context;
    const marks = [{ type: "link" as const, start: 0, end: url.length, url }];
    const body = [{ id: "address", type: "paragraph" as const, text: url, marks }];
    // It is not there that the story opens.
    return render({ ...article, dateline: null, body }, context);
  };
}

/** Every form but our own JSON, in the order in which they are preferred where a caller is indifferent. */
export const formats: readonly Format[] = [
  {
    name: "jsonld",
    mediaType: "application/ld+json",
    contentType: "application/ld+json; charset=utf-8",
    article: jsonLd,
    summary: jsonLdSummary,
    list: jsonLdList,
    schema: JsonLd.meta({
      id: "NewsArticle",
      description: "schema.org's NewsArticle.",
      examples: [{ "@context": "https://schema.org", "@type": "NewsArticle" }],
    }),
    listSchema: JsonLd.meta({
      id: "ItemList",
      description: "schema.org's ItemList of NewsArticles without their bodies.",
      examples: [{ "@context": "https://schema.org", "@type": "ItemList", itemListElement: [] }],
    }),
  },
  {
    name: "ninjs",
    // IPTC has registered no media type for ninjs.
    mediaType: "application/vnd.iptc.ninjs+json",
    contentType: "application/vnd.iptc.ninjs+json; charset=utf-8",
    article: ninjs,
    summary: ninjsSummary,
    list: ninjsList,
    schema: Ninjs,
    listSchema: z.array(Ninjs).meta({ id: "NinjsList", examples: [[]] }),
  },
  {
    name: "text",
    mediaType: "text/plain",
    contentType: "text/plain; charset=utf-8",
    article: plainText,
    summary: withAddress(plainText),
    schema: textual("Talks conclude in Istanbul\n\nISTANBUL, Turkey: The delegations met for five hours.\n"),
  },
  {
    name: "markdown",
    mediaType: "text/markdown",
    contentType: "text/markdown; charset=utf-8; variant=CommonMark",
    article: markdown,
    summary: withAddress(markdown),
    schema: textual("# Talks conclude in Istanbul\n\nThe delegations met for five hours.\n"),
  },
  {
    name: "html",
    mediaType: "text/html",
    contentType: "text/html; charset=utf-8",
    article: htmlFragment,
    summary: withAddress(htmlFragment),
    schema: textual('<div lang="en" dir="ltr"><article aria-labelledby="headline"></article></div>'),
  },
];

const JSON_TYPE = "application/json";
const listFormats = formats.filter(({ list }) => list !== undefined);

/** The media types that an article, and a list, are answered in, our JSON first. */
export const articleTypes = [JSON_TYPE, ...formats.map(({ mediaType }) => mediaType)];
export const listTypes = [JSON_TYPE, ...listFormats.map(({ mediaType }) => mediaType)];

const parameter = (offered: readonly Format[]) =>
  z
    .enum(["json", ...offered.map(({ name }) => name)])
    .optional()
    .meta({
      description: `The form of the answer, whatever Accept says: \`json\`, ${offered
        .map(({ name, mediaType }) => `\`${name}\` (${mediaType})`)
        .join(", ")}. Forms other than JSON go neither with \`fields\` nor with \`version=draft\`.`,
      examples: ["json"],
    });

/** The query parameter `format` of an article, and of a list. */
export const articleFormat = parameter(formats);
export const listFormat = parameter(listFormats);

/** An answer in every form that an article, or a list, has. */
export function inEveryFormat(json: z.ZodType, of: "article" | "list") {
  const others = of === "article" ? formats : listFormats;
  const schemaOf = (format: Format) =>
    of === "article" ? format.schema : (format.listSchema ?? format.schema);
  return {
    description: "The answer.",
    content: {
      [JSON_TYPE]: { schema: json },
      ...Object.fromEntries(others.map((format) => [format.mediaType, { schema: schemaOf(format) }])),
    },
  };
}
