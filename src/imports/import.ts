import { createArticle } from "../articles/edit.ts";
import { ArticleInput } from "../articles/schema.ts";
import { type StoredArticle, newId } from "../articles/workingCopy.ts";
import type { Transaction } from "../database/client.ts";
import { publish } from "../editions/publish.ts";
import { invalidContent } from "../http/problems.ts";
import { validContent } from "../http/validation.ts";
import type { Newsroom } from "../newsroom.ts";
import { networkName } from "../shares/schema.ts";
import { type NewsPage, NewsPageError, parseNewsPage } from "./newsPage.ts";

/** How large a news page may be, in bytes. */
export const MAX_PAGE = 8 * 1024 * 1024;

/**
 * Makes an article of a news page saved as text, and publishes it if so asked. Links that the
 * page names by title alone lead to the articles with those headlines, once they are published.
 *
 * @param page the file's bytes, UTF-8 or, behind a byte order mark, UTF-16
 * @throws 422 when it is no text, has no headline, or a part of it is too long
 */
export async function importNewsPage(
  newsroom: Newsroom,
  tx: Transaction,
  page: Uint8Array,
  options: { publish: boolean; language?: string | undefined; charset?: string | undefined },
): Promise<StoredArticle> {
  const { networks, ...parsed } = read(decode(page, options.charset));
  const input = validContent(ArticleInput, articleInput(parsed, options.language));
  const article = await createArticle(tx, input, { action: "imported" });
  const articleId = article.row.id;
  const names = [...new Set(networks.map(networkName))];
  await tx.shareCount.createMany({ data: names.map((network) => ({ articleId, network, count: 0n })) });
  const shareCounts = names.map((network) => ({ network, count: 0n, updatedAt: article.row.createdAt }));
  const imported = { ...article, shareCounts };
  if (!options.publish) return imported;
  return { ...(await publish(newsroom, tx, articleId, undefined)), shareCounts };
}

function articleInput(page: Omit<NewsPage, "networks">, language: string | undefined) {
  const { headline, dateline, publishedAt, keyPoints } = page;
  const blocks = page.blocks.map((block) => ({ block, linkId: newId() }));
  return {
    headline,
    dateline,
    publishedAt,
    keyPoints,
    ...(language === undefined ? {} : { language }),
    body: blocks.map(({ block, linkId }) =>
      block.type === "paragraph" ? block : { type: "relatedLink" as const, relatedLinkId: linkId },
    ),
    relatedLinks: blocks.flatMap(({ block, linkId }) =>
      block.type === "alsoRead" ? [{ id: linkId, kind: "alsoRead" as const, title: block.title }] : [],
    ),
  };
}

function read(text: string): NewsPage {
  try {
    return parseNewsPage(text);
  } catch (error) {
    if (error instanceof NewsPageError) throw invalidContent([{ pointer: "#", detail: error.message }]);
    throw error;
  }
}

/** Bytes that are no text are refused rather than mended, for a mended word is a changed one. */
function decode(page: Uint8Array, charset: string | undefined): string {
  const isUtf16 = (page[0] === 0xff && page[1] === 0xfe) || (page[0] === 0xfe && page[1] === 0xff);
  const encoding = isUtf16 ? (page[0] === 0xff ? "utf-16le" : "utf-16be") : (charset ?? "utf-8");
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(page);
  } catch {
    throw invalidContent([
      { pointer: "#", detail: `is not text in ${encoding}; send a news page saved as plain text in UTF-8` },
    ]);
  }
  if (text.includes("\0"))
    throw invalidContent([
      { pointer: "#", detail: "contains NUL, which no text does; send a news page saved as plain text" },
    ]);
  return text;
}
