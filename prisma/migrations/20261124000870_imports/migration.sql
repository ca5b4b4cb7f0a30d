-- CreateTable
CREATE TABLE "imported_items" (
    "source" TEXT NOT NULL,
    "article_id" UUID NOT NULL,
    "digest" BYTEA NOT NULL,
    "revision" INTEGER NOT NULL,
    "imported_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "imported_items_pkey" PRIMARY KEY ("source")
);

-- CreateIndex
CREATE INDEX "imported_items_article_id_idx" ON "imported_items"("article_id");

-- AddForeignKey
ALTER TABLE "imported_items" ADD CONSTRAINT "imported_items_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

