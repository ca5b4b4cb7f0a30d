-- Who is in an article, and what the desk says of it.
-- CreateTable
CREATE TABLE "presences" (
    "article_id" UUID NOT NULL,
    "key_id" UUID NOT NULL,
    "person" TEXT NOT NULL,
    "key_name" TEXT NOT NULL,
    "block_id" TEXT,
    "since" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "presences_pkey" PRIMARY KEY ("article_id","key_id","person")
);

-- CreateTable
CREATE TABLE "comments" (
    "id" UUID NOT NULL,
    "article_id" UUID NOT NULL,
    "block_id" TEXT,
    "in_reply_to" UUID,
    "text" TEXT NOT NULL,
    "key_id" UUID,
    "key_name" TEXT NOT NULL,
    "person" TEXT,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "resolved_at" TIMESTAMPTZ(3),
    "resolved_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "comments_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "presences_expires_at_idx" ON "presences"("expires_at");

-- CreateIndex
CREATE INDEX "comments_article_id_in_reply_to_idx" ON "comments"("article_id", "in_reply_to");

-- CreateIndex
CREATE UNIQUE INDEX "comments_article_id_id_key" ON "comments"("article_id", "id");

-- AddForeignKey
ALTER TABLE "presences" ADD CONSTRAINT "presences_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comments" ADD CONSTRAINT "comments_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "comments" ADD CONSTRAINT "comments_article_id_in_reply_to_fkey" FOREIGN KEY ("article_id", "in_reply_to") REFERENCES "comments"("article_id", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

ALTER TABLE "comments" ADD CONSTRAINT "comments_check" CHECK (
  "in_reply_to" IS DISTINCT FROM "id" AND ("resolved_at" IS NULL) = ("resolved_by" IS NULL)
);
