-- CreateEnum
CREATE TYPE "KeyRole" AS ENUM ('contributor', 'editor', 'publisher', 'partner', 'admin');

-- AlterTable
ALTER TABLE "articles" ADD COLUMN     "created_by" UUID;

-- AlterTable
ALTER TABLE "keys" ADD COLUMN     "author_id" UUID,
ADD COLUMN     "role" "KeyRole";

-- CreateTable
CREATE TABLE "key_sections" (
    "key_id" UUID NOT NULL,
    "section_id" UUID NOT NULL,

    CONSTRAINT "key_sections_pkey" PRIMARY KEY ("key_id","section_id")
);

-- CreateIndex
CREATE INDEX "key_sections_section_id_idx" ON "key_sections"("section_id");

-- CreateIndex
CREATE INDEX "articles_created_by_idx" ON "articles"("created_by");

-- CreateIndex
CREATE INDEX "keys_author_id_idx" ON "keys"("author_id");

-- AddForeignKey
ALTER TABLE "keys" ADD CONSTRAINT "keys_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "authors"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "key_sections" ADD CONSTRAINT "key_sections_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "key_sections" ADD CONSTRAINT "key_sections_section_id_fkey" FOREIGN KEY ("section_id") REFERENCES "sections"("id") ON DELETE RESTRICT ON UPDATE CASCADE;


ALTER TABLE "keys" ADD CONSTRAINT "keys_role_or_scopes" CHECK ("role" IS NULL OR cardinality("scopes") = 0);

-- The keys that Dateline made to begin with may do all that there was to do, and so will do what comes to it.
UPDATE "keys" SET "role" = 'admin', "scopes" = '{}'
WHERE "origin" IN ('firstStart', 'environment')
  AND "scopes" @> '{drafts:read,articles:write,articles:publish,shares:write,keys:manage}';
