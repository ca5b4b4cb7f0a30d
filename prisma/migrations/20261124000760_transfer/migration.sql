-- PostgreSQL changes no column's type while a trigger names it or a generated column is made of it.
DROP TRIGGER "editions_immutable" ON "editions";
ALTER TABLE "editions" DROP COLUMN "listed_under";

-- AlterTable
ALTER TABLE "editions" DROP CONSTRAINT "editions_check";
ALTER TABLE "editions" ALTER COLUMN "document" SET DATA TYPE JSON;


-- What Prisma's schema language cannot say.

-- An edition is kept as the text that it was written as, in the order of its properties: jsonb would
-- put them in an order of its own, so that an article that is rendered anew, here because what it
-- links to changed or elsewhere because it was imported, would come out as other bytes with another
-- ETag although nothing changed in it.
ALTER TABLE "editions" ADD CONSTRAINT "editions_check" CHECK ("version" >= 1 AND json_typeof("document") = 'object');
CREATE TRIGGER "editions_immutable" BEFORE UPDATE OF "article_id", "version", "document", "revision", "terms", "title_key", "published_at", "live_from", "created_at"
  ON "editions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "editions" ADD COLUMN "listed_under" UUID[] GENERATED ALWAYS AS (terms_of("terms", "document"->>'language')) STORED;
ALTER TABLE "editions" ALTER COLUMN "listed_under" SET STATISTICS 1000;
CREATE INDEX "editions_listed_under_idx" ON "editions" USING GIN ("listed_under") WITH (fastupdate = off);

-- Articles that are imported together may link to each other, whichever comes first.
ALTER TABLE "related_links" ALTER CONSTRAINT "related_links_target_id_fkey" DEFERRABLE INITIALLY IMMEDIATE;
