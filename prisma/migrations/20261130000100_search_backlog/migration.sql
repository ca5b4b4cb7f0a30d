-- CreateTable
CREATE TABLE "search_backlog" (
    "article_id" UUID NOT NULL,

    CONSTRAINT "search_backlog_pkey" PRIMARY KEY ("article_id")
);

-- Words are read otherwise than before (src/search/words.ts): a server that starts indexes all of them anew.
INSERT INTO "search_backlog" ("article_id") SELECT "article_id" FROM "search_entries";
