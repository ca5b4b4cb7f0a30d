-- PostgreSQL changes no column's type while a trigger names it.
DROP TRIGGER "editions_immutable" ON "editions";

-- AlterTable
ALTER TABLE "editions" DROP CONSTRAINT "editions_check";
ALTER TABLE "editions" ALTER COLUMN "document" SET DATA TYPE JSON;


-- What Prisma's schema language cannot say.

-- An edition is kept as the text that it was written as, in the order of its properties: jsonb would
-- put them in an order of its own, so that an article that is rendered anew, here because what it
-- links to changed or elsewhere because it was imported, would come out as other bytes with another
-- ETag although nothing changed in it.
ALTER TABLE "editions" ADD CONSTRAINT "editions_check" CHECK ("version" >= 1 AND json_typeof("document") = 'object');
CREATE TRIGGER "editions_immutable" BEFORE UPDATE OF "article_id", "version", "document", "revision", "terms", "published_at", "live_from", "created_at"
  ON "editions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();

-- Articles that are imported together may link to each other, whichever comes first.
ALTER TABLE "related_links" ALTER CONSTRAINT "related_links_target_id_fkey" DEFERRABLE INITIALLY IMMEDIATE;
