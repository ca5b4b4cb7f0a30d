-- DropIndex
DROP INDEX "editions_published_at_article_id_idx";

-- AlterTable
ALTER TABLE "editions" ADD COLUMN     "title_key" TEXT;

-- CreateIndex
CREATE INDEX "editions_title_key_live_from_idx" ON "editions"("title_key", "live_from");


-- What Prisma's schema language cannot say.

-- Editions of before: the key of a headline that is live is known; that of another is made as
-- src/articles/titles.ts does. An end that was planned after the edition was made is its end.
UPDATE "editions" e SET "title_key" = coalesce(
  (SELECT p."title_key" FROM "publications" p WHERE p."article_id" = e."article_id" AND p."headline" = e."document"->>'headline'),
  lower(btrim(regexp_replace(
    translate(normalize(e."document"->>'headline', NFKC), '‘’‚‛′ʼ“”„‟″«»‐‑‒–—―−', '''''''''''''"""""""-------'), '\s+', ' ', 'g'))));
UPDATE "editions" e SET "live_until" = p."live_until"
FROM "publications" p WHERE p."article_id" = e."article_id" AND p."version" = e."version" AND e."live_until" IS DISTINCT FROM p."live_until";
ALTER TABLE "editions" ALTER COLUMN "title_key" SET NOT NULL;
DROP TRIGGER "editions_immutable" ON "editions";
CREATE TRIGGER "editions_immutable" BEFORE UPDATE OF "article_id", "version", "document", "revision", "terms", "title_key", "published_at", "live_from", "created_at"
  ON "editions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();

-- What an edition is listed under, as a publication is.
ALTER TABLE "editions" ADD COLUMN "listed_under" UUID[] GENERATED ALWAYS AS (terms_of("terms", "document"->>'language')) STORED;
ALTER TABLE "editions" ALTER COLUMN "listed_under" SET STATISTICS 1000;
CREATE INDEX "editions_listed_under_idx" ON "editions" USING GIN ("listed_under") WITH (fastupdate = off);

-- Whether an edition was live at a moment is told by the index alone, in the orders of lists.
CREATE INDEX "editions_published_spans_idx" ON "editions" ("published_at", "article_id") INCLUDE ("version", "live_from", "live_until");
CREATE INDEX "editions_live_spans_idx" ON "editions" ("live_from", "article_id") INCLUDE ("version", "live_until", "published_at");
