import { Prisma, type Transaction } from "../database/client.ts";
import { runPrepared } from "../database/transactions.ts";
import { problem } from "../http/problems.ts";
import { slugify } from "../http/slugify.ts";

/**
 * Holds a slug of the editor's choice for an article.
 *
 * @throws 409 when another article has it, or was once published under it
 */
export async function claimSlug(tx: Transaction, articleId: string, slug: string): Promise<void> {
  if (await hold(tx, articleId, slug)) return;
  throw problem(
    "slug-taken",
    `The slug ${slug} belongs to another article, now or from an earlier publication. Send another slug.`,
    {
      errors: [{ pointer: "#/slug", detail: "is taken by another article" }],
    },
  );
}

/** Holds the slug made from a headline, with the first number behind it that makes it free. */
export async function claimSlugFor(tx: Transaction, articleId: string, headline: string): Promise<string> {
  const base = slugify(headline, `article-${articleId.slice(-12)}`);
  let slug = base;
  while (!(await hold(tx, articleId, slug))) slug = `${base}-${await firstFreeNumber(tx, base)}`;
  return slug;
}

/**
 * Holds a slug under which readers knew an article before it came here, so that it leads them to it
 * once it is published.
 *
 * @returns false when another article has it
 */
export async function claimFormerSlug(
  tx: Transaction,
  articleId: string,
  slug: string,
  publishedAt: Date,
): Promise<boolean> {
  if (!(await hold(tx, articleId, slug))) return false;
  await tx.slug.updateMany({ where: { slug, publishedAt: null }, data: { publishedAt } });
  return true;
}

/** Lets go of a slug that an article had, unless readers have seen the article under it. */
export async function releaseSlug(tx: Transaction, slug: string): Promise<void> {
  await tx.slug.deleteMany({ where: { slug, publishedAt: null } });
}

/** A slug is taken by whoever inserts it first; the other waits for that transaction to end. */
async function hold(tx: Transaction, articleId: string, slug: string): Promise<boolean> {
  const rows = await runPrepared<{ article_id: string }>(
    tx,
    Prisma.sql`
      WITH inserted AS (
        INSERT INTO slugs (slug, article_id) VALUES (${slug}, ${articleId}::uuid)
        ON CONFLICT (slug) DO NOTHING RETURNING article_id
      )
      SELECT article_id FROM inserted UNION ALL SELECT article_id FROM slugs WHERE slug = ${slug}`,
  );
  return rows.some((row) => row.article_id === articleId);
}

async function firstFreeNumber(tx: Transaction, base: string): Promise<number> {
  const pattern = `^${base}-[1-9][0-9]{0,8}$`;
  const [row] = await tx.$queryRaw<[{ free: number }]>`
    WITH taken AS (
      SELECT 1 AS number UNION
      SELECT substring(slug from '[0-9]+$')::int FROM slugs WHERE slug ~ ${pattern}
    )
    SELECT min(number) + 1 AS free FROM taken WHERE number + 1 NOT IN (SELECT number FROM taken)`;
  return row.free;
}
