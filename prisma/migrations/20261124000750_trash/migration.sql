-- CreateTable
CREATE TABLE "tombstones" (
    "article_id" UUID NOT NULL,
    "purged_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tombstones_pkey" PRIMARY KEY ("article_id")
);

-- AlterTable
ALTER TABLE "slugs" ALTER COLUMN "article_id" DROP NOT NULL, ADD COLUMN "tombstone_id" UUID;

-- CreateIndex
CREATE INDEX "slugs_tombstone_id_idx" ON "slugs"("tombstone_id");

-- AddForeignKey
ALTER TABLE "slugs" ADD CONSTRAINT "slugs_tombstone_id_fkey" FOREIGN KEY ("tombstone_id") REFERENCES "tombstones"("article_id") ON DELETE RESTRICT ON UPDATE CASCADE;


-- What Prisma's schema language cannot say.

-- A slug that readers knew outlives its article.
ALTER TABLE "slugs" ADD CONSTRAINT "slugs_holder_check" CHECK (
  num_nonnulls("article_id", "tombstone_id") = 1 AND ("tombstone_id" IS NULL OR "published_at" IS NOT NULL)
);

-- A live article keeps hiding its link to what was purged, so the link keeps the id of what it led to.
ALTER TABLE "publication_links" DROP CONSTRAINT "publication_links_target_id_fkey";

-- What is in the trash, by when it was put there.
CREATE INDEX "articles_trash_idx" ON "articles"("deleted_at", "id") WHERE "deleted_at" IS NOT NULL;
