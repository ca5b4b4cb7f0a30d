-- CreateTable
CREATE TABLE "acknowledgements" (
    "article_id" UUID NOT NULL,
    "key_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "acknowledgements_pkey" PRIMARY KEY ("article_id","key_id","sequence")
);

-- CreateIndex
CREATE INDEX "webhook_deliveries_article_id_webhook_id_sequence_idx" ON "webhook_deliveries"("article_id", "webhook_id", "sequence");



-- What Prisma's schema language cannot say.

-- What of the passages begins on the way through what was live: few, and looked for by their keys.
CREATE INDEX "key_passages_start_idx" ON "key_passages"("key_id") WHERE "from_after" IS NOT NULL;
