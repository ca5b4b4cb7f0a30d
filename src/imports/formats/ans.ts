import type { Entry, Image, ImportedArticle } from "../entry.ts";
import { addressOf, htmlContent, htmlText } from "../reading/html.ts";
import { type Json, type JsonRecord, objectOf, objectsOf, stringOf } from "../reading/json.ts";
import { escaped } from "../reading/xml.ts";
import { articleEntry, left, lineOf, slugIn, termOf } from "./article.ts";

/**
 * Arc XP's ANS (github.com/washingtonpost/ans-schema): stories, and operations that carry one. Their
 * elements become HTML first, since the text in them is HTML already.
 */
export async function* ans(records: AsyncIterable<JsonRecord>): AsyncGenerator<Entry> {
  for await (const { number, value } of records) {
    const found = objectOf(value);
    const operated = objectOf(found.story);
    yield item(number, found.type === "story_operation" && operated.type === "story" ? operated : found);
  }
}

function item(line: number, story: Json): Entry {
  const headlines = objectOf(story.headlines);
  const headline = stringOf(headlines.basic) ?? stringOf(Object.values(headlines)[0]);
  const id = stringOf(story._id);
  const type = stringOf(story.type) ?? "nothing that is named";
  const address = stringOf(story.canonical_url) ?? stringOf(story.website_url);
  if (type !== "story")
    return left(line, headline ?? id, `is of the type ${type.slice(0, 50)}, and no story`);
  const remarks: string[] = [];
  const base = addressOf(address);
  const restrictions = objectOf(objectOf(story.content_restrictions).embargo);
  const elements = objectsOf(story.content_elements);
  const corrections = objectsOf(story.corrections).map((one) =>
    element({ ...one, type: "correction" }, remarks),
  );
  const html = elements.map((one) => element(one, remarks)).join("") + corrections.join("");
  const promo = objectOf(objectOf(story.promo_items).basic);
  if (promo.type !== undefined && promo.type !== "image")
    remarks.push(`what it is shown by (${stringOf(promo.type)?.slice(0, 50)}) was left out`);
  const status = stringOf(story.status);
  const { section, tags } = filing(story);
  return articleEntry({
    line,
    key: id === null ? address : `ans:${id}`,
    headline: headline === null ? null : htmlText(headline),
    content: htmlContent(html, { base }),
    standfirst: stringOf(objectOf(story.subheadlines).basic) ?? stringOf(objectOf(story.description).basic),
    dateline: lineOf(stringOf(objectOf(story.dateline).basic) ?? null),
    slug: slugIn(address) ?? stringOf(story.slug),
    formerSlugs: objectsOf(objectOf(story.related_content).redirect).flatMap(
      (one) => slugIn(stringOf(one.canonical_url)) ?? [],
    ),
    language: stringOf(story.language),
    section,
    tags,
    authors: objectsOf(objectOf(story.credits).by).flatMap((one) =>
      termOf(stringOf(one.name) ?? stringOf(one.byline), stringOf(one.slug)),
    ),
    pictures: promo.type === "image" ? imageOf(promo) : [],
    publishedAt:
      stringOf(story.first_publish_date) ?? stringOf(story.publish_date) ?? stringOf(story.display_date),
    embargoedUntil: restrictions.active === true ? stringOf(restrictions.end_time) : null,
    isPublished: status === null ? stringOf(story.publish_date) !== null : status === "published",
    remarks: [...new Set(remarks)],
  });
}

/** The primary section, or site as it was called, is the section; others and the tags are tags. */
function filing({ taxonomy }: Json): Pick<ImportedArticle, "section" | "tags"> {
  const terms = objectOf(taxonomy);
  const named = (one: Json) => termOf(stringOf(one.name) ?? stringOf(one.text), stringOf(one.slug));
  const sections = [...objectsOf([terms.primary_section]), ...objectsOf([terms.primary_site])].flatMap(named);
  const others = [...objectsOf(terms.sections), ...objectsOf(terms.sites)].flatMap(named);
  const [section = others.shift() ?? null] = sections;
  const further = others.filter(({ name }) => name !== section?.name);
  return { section, tags: [...objectsOf(terms.tags).flatMap(named), ...further] };
}

function element(one: Json, remarks: string[]): string {
  const content = stringOf(one.content) ?? "";
  const all = (list: unknown) =>
    objectsOf(list)
      .map((inner) => element(inner, remarks))
      .join("");
  const type = stringOf(one.type) ?? "";
  switch (type) {
    case "text":
      return /^\s*<(p|h[1-6]|ul|ol|blockquote|div)[\s>]/i.test(content) ? content : `<p>${content}</p>`;
    case "header": {
      const level = Number(one.level);
      return `<h${level >= 1 && level <= 6 ? level : 2}>${content}</h${level >= 1 && level <= 6 ? level : 2}>`;
    }
    case "raw_html":
      return content;
    case "image":
      return imageOf(one)
        .map(
          ({ url, alt, caption, credit }) =>
            `<figure><img src="${escaped(url)}" alt="${escaped(alt ?? "")}"><figcaption>${escaped(caption ?? "")}<span class="credit">${escaped(credit ?? "")}</span></figcaption></figure>`,
        )
        .join("");
    case "gallery":
    case "element_group":
      return all(one.content_elements);
    case "list": {
      const name = one.list_type === "ordered" ? "ol" : "ul";
      return `<${name}>${objectsOf(one.items)
        .map(
          (inner) =>
            `<li>${inner.type === "text" ? (stringOf(inner.content) ?? "") : element(inner, remarks)}</li>`,
        )
        .join("")}</${name}>`;
    }
    case "blockquote":
      return `<blockquote>${content}</blockquote>`;
    case "quote": {
      const citation = stringOf(objectOf(one.citation).content);
      return `<blockquote>${content}${all(one.content_elements)}${citation === null ? "" : `<cite>${citation}</cite>`}</blockquote>`;
    }
    case "interstitial_link":
      return `<p class="also-read"><a href="${escaped(stringOf(one.url) ?? "")}">${content}</a></p>`;
    case "link_list":
      return all(one.items);
    case "correction":
      return `<p><strong>${one.correction_type === "clarification" ? "Clarification:" : "Correction:"}</strong> ${stringOf(one.text) ?? content}</p>`;
    case "divider":
      return "<hr>";
    case "code":
      return `<pre>${escaped(content)}</pre>`;
    case "table": {
      const cells = (row: unknown) =>
        (Array.isArray(row) ? row : [])
          .map((cell) => `<td>${stringOf(objectOf(cell).content) ?? ""}</td>`)
          .join("");
      const rows = (Array.isArray(one.rows) ? one.rows : []) as unknown[];
      return `<table>${[one.header, ...rows].map((row) => `<tr>${cells(row)}</tr>`).join("")}</table>`;
    }
    case "oembed_response": {
      const raw = objectOf(one.raw_oembed);
      const url =
        addressOf(stringOf(raw.url)) ??
        /\bsrc="(https?:[^"]+)"/.exec(stringOf(raw.html)?.slice(0, 100_000) ?? "")?.[1];
      if (url !== undefined && url !== null) return `<iframe src="${escaped(url)}"></iframe>`;
      break;
    }
    case "reference": {
      const id = stringOf(objectOf(one.referent).id);
      if (addressOf(id) !== null) return `<iframe src="${escaped(id ?? "")}"></iframe>`;
      break;
    }
    case "video":
    case "audio": {
      const url =
        addressOf(stringOf(one.canonical_url)) ?? addressOf(stringOf(objectsOf(one.streams)[0]?.url));
      if (url !== null) return `<iframe src="${escaped(url)}"></iframe>`;
      break;
    }
    case "numeric_rating":
      return `<p>${escaped([stringOf(one.numeric_rating), stringOf(one.units)].filter((part) => part !== null).join(" "))}</p>`;
    case "endorsement":
      return `<p>${escaped(stringOf(one.endorsement) ?? "")}</p>`;
    default:
  }
  remarks.push(`an element of the type ${type.slice(0, 50) || "that is not named"} was left out`);
  return "";
}

function imageOf(image: Json): Image[] {
  const url = addressOf(stringOf(image.url));
  if (url === null) return [];
  const credit = objectsOf(objectOf(image.credits).by).flatMap(
    ({ byline, name }) => stringOf(byline) ?? stringOf(name) ?? [],
  );
  return [
    {
      url,
      alt: lineOf(stringOf(image.alt_text)),
      caption: lineOf(htmlText(stringOf(image.caption) ?? "")),
      credit: lineOf(credit.join(", ")),
    },
  ];
}
