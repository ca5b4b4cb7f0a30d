-- Links to previews can be taken back. Those that were given out before nobody knows of, so they work no more.
-- CreateTable
CREATE TABLE "previews" (
    "id" UUID NOT NULL,
    "article_id" UUID NOT NULL,
    "key_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "previews_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "previews_article_id_id_idx" ON "previews"("article_id", "id");

-- CreateIndex
CREATE INDEX "previews_key_id_idx" ON "previews"("key_id");

-- CreateIndex
CREATE INDEX "previews_expires_at_idx" ON "previews"("expires_at");

-- AddForeignKey
ALTER TABLE "previews" ADD CONSTRAINT "previews_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "previews" ADD CONSTRAINT "previews_key_id_fkey" FOREIGN KEY ("key_id") REFERENCES "keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;
