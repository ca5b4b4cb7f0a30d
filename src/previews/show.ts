import { html } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { presentArticle } from "../articles/present.ts";
import type { StoredArticle } from "../articles/workingCopy.ts";
import { compileEdition } from "../editions/document.ts";
import { linksOf, rendered } from "../editions/live.ts";
import type { Newsroom } from "../newsroom.ts";
import { shownTime } from "../pages/article.ts";
import { articlePage, unlisted } from "../pages/page.ts";
import type { Grant } from "./links.ts";

/**
 * A working copy as readers would get it if it were published now: links to what is not live are
 * left out, since whoever has a preview of one article is to learn nothing of another. Its state
 * and times are the working copy's own.
 */
export async function asReadersWouldGetIt(newsroom: Newsroom, article: StoredArticle): Promise<Article> {
  const { database, articleAddress } = newsroom;
  const edition = compileEdition(article, article.row.updatedAt, articleAddress);
  const links = await linksOf(database, edition);
  const { document } = await rendered(newsroom, database, edition, links);
  const { body, keyPoints, relatedLinks } = JSON.parse(document) as Article;
  return { ...presentArticle(article, articleAddress), body, keyPoints, relatedLinks };
}

/**
 * The page of a preview.
 *
 * @param address where readers will find the article, in full
 */
export function previewPage(
  { row, copy }: StoredArticle,
  shown: Article,
  address: string,
  { expiresAt }: Grant,
): Promise<string> {
  const surroundings = {
    address,
    section: copy.section?.name ?? null,
    tags: copy.tags.map(({ name }) => name),
  };
  const until = expiresAt.toISOString();
  const notice = html`<header class="preview" lang="en" dir="ltr">
    <p>
      <strong>Preview</strong> of revision ${row.revision}, not for publication. It works until
      <time datetime="${until}">${shownTime(until, "en")}</time>.
    </p>
  </header>`;
  return articlePage(shown, surroundings, { head: unlisted, notice });
}
