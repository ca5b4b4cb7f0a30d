import { html } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { anchorOf, bodyOf, relatedLink } from "./blocks.ts";
import type { Html } from "./html.ts";
import { type Labels, labelsFor } from "./labels.ts";
import { shareLinks } from "./share.ts";

/** What a page knows of an article beside the article itself. */
export interface Surroundings {
  /** Where readers find the article, in full; what is shared. */
  address: string;
  /** The names of its section and its tags, where the article has their slugs. */
  section: string | null;
  tags: readonly string[];
}

/**
 * An article as readers see it, as an `article` element: headline, standfirst, authors, date, links
 * to share it, key points, body, related links, tags, corrections. All text is escaped; only http,
 * https, mailto and relative addresses become links. Moments are shown in UTC.
 */
export function articleElement(article: Article, { address, section, tags }: Surroundings): Html {
  const labels = labelsFor(article.language);
  return html`<article aria-labelledby="headline">
    <header>
      ${section !== null && html`<p class="section">${section}</p>`}
      <h1 id="headline">${article.headline}</h1>
      ${article.standfirst !== null && html`<p class="standfirst">${article.standfirst}</p>`}
      <div class="imprint">
        <div>${byline(article, labels)}${dates(article, labels)}</div>
        ${shareLinks(article, address, labels)}
      </div>
    </header>
    ${keyPoints(article, labels)}
    <div class="body">${bodyOf(article, labels)}</div>
    <footer>
      ${furtherLinks(article, labels)}${corrections(article, labels)}
      ${
        tags.length > 0 &&
        html`<section class="tags" aria-labelledby="tags">
          <h2 id="tags" lang="${labels.language}">${labels.tags}</h2>
          <ul>
            ${tags.map((name) => html`<li>${name}</li>`)}
          </ul>
        </section>`
      }
    </footer>
  </article>`;
}

function byline({ authors, language }: Article, labels: Labels): Html | undefined {
  if (authors.length === 0) return undefined;
  const names = new Intl.ListFormat([language, "en"])
    .formatToParts(authors.map(({ name }) => name))
    .map(({ type, value }) => (type === "element" ? html`<bdi class="author">${value}</bdi>` : value));
  return html`<p class="byline"><span lang="${labels.language}">${labels.by}</span> ${names}</p>`;
}

/**
 * When it was published; a working copy that never was bears the time it is planned for, or was
 * last changed. An edition of another day or hour than the first is marked as updated.
 */
function dates(article: Article, labels: Labels): Html {
  const { publishedAt, scheduledFor, updatedAt } = article;
  const published = publishedAt ?? scheduledFor ?? updatedAt;
  const isUpdated = Date.parse(updatedAt) - Date.parse(published) > 60_000;
  return html`<p class="dates">
    ${moment(published, labels.published, labels)}${
      isUpdated && html` <span class="updated">${moment(updatedAt, labels.updated, labels)}</span>`
    }
  </p>`;
}

function moment(time: string, label: string, { language }: Labels): Html {
  return html`<span lang="${language}"
    >${label} <time datetime="${time}">${shownTime(time, language)}</time></span
  >`;
}

/** A moment in words: `24 November 2026 at 11:47 UTC`. */
export function shownTime(time: string, language: string): string {
  // Plain `en` has America's order of day and month.
  const locale = language === "en" ? "en-GB" : language;
  return new Intl.DateTimeFormat([locale, "en-GB"], {
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "UTC",
    timeZoneName: "short",
  }).format(new Date(time));
}

/** The key points as a list; those that sum up a block lead to it. */
export function keyPoints({ keyPoints: points, body }: Article, labels: Labels): Html | undefined {
  if (points.length === 0) return undefined;
  const blocks = new Set(body.map(({ id }) => id));
  return html`<section class="key-points" aria-labelledby="key-points">
    <h2 id="key-points" lang="${labels.language}">${labels.keyPoints}</h2>
    <ul>
      ${points.map(({ text, blockId }) =>
        blockId !== null && blocks.has(blockId)
          ? html`<li><a href="#${anchorOf(blockId)}">${text}</a></li>`
          : html`<li>${text}</li>`,
      )}
    </ul>
  </section>`;
}

/** The related links that have no place in the body, by their kinds. */
function furtherLinks({ relatedLinks, body }: Article, labels: Labels): Html {
  const placed = new Set(body.map((block) => (block.type === "relatedLink" ? block.relatedLinkId : "")));
  const groups = Map.groupBy(
    relatedLinks.filter(({ id }) => !placed.has(id)),
    ({ kind }) => kind,
  );
  return html`${[...groups].map(
    ([kind, links]) =>
      html`<section class="related" aria-labelledby="related-${kind}">
        <h2 id="related-${kind}" lang="${labels.language}">${labels[kind]}</h2>
        <ul>
          ${links.map((link) => html`<li>${relatedLink(link)}</li>`)}
        </ul>
      </section>`,
  )}`;
}

/** What later editions put right. */
export function corrections({ corrections: made }: Article, labels: Labels): Html | undefined {
  if (made.length === 0) return undefined;
  return html`<section class="corrections" aria-labelledby="corrections">
    <h2 id="corrections" lang="${labels.language}">${labels.corrections}</h2>
    <ol>
      ${made.map(
        ({ number, text, publishedAt }) =>
          html`<li value="${number}">
            <time datetime="${publishedAt}" lang="${labels.language}"
              >${shownTime(publishedAt, labels.language)}</time
            >
            ${text}
          </li>`,
      )}
    </ol>
  </section>`;
}
