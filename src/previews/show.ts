import { html } from "hono/html";
import type { Article } from "../articles/schema.ts";
import { presentArticle } from "../articles/present.ts";
import type { ArticleAddress } from "../articles/relatedLinks.ts";
import type { StoredArticle } from "../articles/workingCopy.ts";
import { compileEdition, renderEdition } from "../editions/document.ts";
import { shownTime } from "../pages/article.ts";
import { articlePage } from "../pages/page.ts";
import type { Grant } from "./token.ts";

/**
 * A working copy as readers would get it if it were published now: links to what is not live are
 * left out, since whoever has a preview of one article is to learn nothing of another. Its state
 * and times are the working copy's own.
 */
export function asReadersWouldGetIt(article: StoredArticle, address: ArticleAddress): Article {
  const own = presentArticle(article, address);
  const links = article.copy.relatedLinks
    .filter(({ url }) => url === null)
    .map(({ id, target }) => ({
      linkId: id,
      targetId: target?.id ?? null,
      target: target?.publication ?? null,
    }));
  const edition = compileEdition(article, article.row.updatedAt, address);
  const { body, keyPoints, relatedLinks } = JSON.parse(
    renderEdition(edition, links, address).document,
  ) as Article;
  return { ...own, body, keyPoints, relatedLinks };
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
  return articlePage(shown, surroundings, notice);
}
