-- CreateTable
CREATE TABLE "search_entries" (
    "article_id" UUID NOT NULL,
    "config" TEXT NOT NULL,
    "vector" tsvector,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "search_entries_pkey" PRIMARY KEY ("article_id")
);

-- CreateTable
CREATE TABLE "search_words" (
    -- Byte by byte, so that the key also finds what begins with a word.
    "word" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "search_words_pkey" PRIMARY KEY ("word")
);

-- CreateIndex
CREATE INDEX "search_entries_vector_idx" ON "search_entries" USING GIN ("vector");

-- CreateIndex
CREATE INDEX "search_entries_config_idx" ON "search_entries"("config");

-- CreateIndex
CREATE INDEX "search_entries_published_at_article_id_idx" ON "search_entries"("published_at", "article_id");

-- CreateIndex
CREATE INDEX "search_entries_updated_at_article_id_idx" ON "search_entries"("updated_at", "article_id");

-- AddForeignKey
ALTER TABLE "search_entries" ADD CONSTRAINT "search_entries_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "publications"("article_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Vectors are kept apart from their rows, and uncompressed: rows are then few pages to look
-- through for a common word, and a vector is quick to rank.
ALTER TABLE "search_entries" ALTER COLUMN "vector" SET STORAGE EXTERNAL;
ALTER TABLE "search_entries" SET (toast_tuple_target = 128);

-- What is live already waits here until a server that starts has indexed it.
INSERT INTO "search_entries" ("article_id", "config", "published_at", "updated_at")
SELECT "article_id", 'simple', "published_at", "updated_at" FROM "publications";

-- Small once all is indexed: only what still waits.
CREATE INDEX "search_entries_waiting_idx" ON "search_entries"("article_id") WHERE "vector" IS NULL;

-- Words that are spelt alike are found where pg_trgm can be had; all else works without it.
DO $$
BEGIN
  CREATE EXTENSION IF NOT EXISTS pg_trgm;
  CREATE INDEX "search_words_alike" ON "search_words" USING GIN ("word" gin_trgm_ops);
EXCEPTION WHEN OTHERS THEN
  RAISE NOTICE 'Searches will not try words that are spelt alike: %', SQLERRM;
END
$$;
