-- AlterTable
ALTER TABLE "editions" DROP CONSTRAINT "editions_check";
ALTER TABLE "editions" ALTER COLUMN "document" SET DATA TYPE JSON;


-- What Prisma's schema language cannot say.

-- An edition is kept as the text that it was written as, in the order of its properties, so that
-- whenever and wherever it is rendered the same bytes come out.
ALTER TABLE "editions" ADD CONSTRAINT "editions_check" CHECK ("version" >= 1 AND json_typeof("document") = 'object');

-- Articles that are imported together may link to each other, whichever comes first.
ALTER TABLE "related_links" ALTER CONSTRAINT "related_links_target_id_fkey" DEFERRABLE INITIALLY IMMEDIATE;

-- The key of the first start may do everything.
UPDATE "keys" SET "scopes" = array_append("scopes", 'transfer') WHERE "origin" = 'firstStart';
