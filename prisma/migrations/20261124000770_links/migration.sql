-- DropIndex
DROP INDEX "related_links_target_id_idx";

-- DropIndex
DROP INDEX "publication_links_target_id_idx";

-- AlterTable
ALTER TABLE "publication_links" ADD COLUMN "url" TEXT;

-- CreateIndex
CREATE INDEX "related_links_target_id_article_id_idx" ON "related_links"("target_id", "article_id");

-- CreateIndex
CREATE INDEX "publication_links_target_id_article_id_idx" ON "publication_links"("target_id", "article_id");


-- What Prisma's schema language cannot say.

-- A url leads where it leads, so no title of it waits for an article.
ALTER TABLE "publication_links" ADD CONSTRAINT "publication_links_check" CHECK (
  "url" IS NULL OR ("target_id" IS NULL AND "title_key" IS NULL)
);

-- Links that name a url were left out so far.
INSERT INTO "publication_links" ("article_id", "link_id", "url")
SELECT p."article_id", (link ->> 'id')::uuid, link ->> 'url'
FROM "publications" p JOIN "editions" e USING ("article_id", "version")
CROSS JOIN LATERAL json_array_elements(e."document" -> 'relatedLinks') AS link
WHERE link ->> 'url' IS NOT NULL
ON CONFLICT DO NOTHING;
