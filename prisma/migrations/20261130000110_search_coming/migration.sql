-- CreateTable
CREATE TABLE "search_coming" (
    "article_id" UUID NOT NULL,
    "live_from" TIMESTAMPTZ(3) NOT NULL,
    "words" TEXT[],

    CONSTRAINT "search_coming_pkey" PRIMARY KEY ("article_id")
);

-- CreateIndex
CREATE INDEX "search_coming_live_from_idx" ON "search_coming"("live_from");

-- AddForeignKey
ALTER TABLE "search_coming" ADD CONSTRAINT "search_coming_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "publications"("article_id") ON DELETE CASCADE ON UPDATE CASCADE;
