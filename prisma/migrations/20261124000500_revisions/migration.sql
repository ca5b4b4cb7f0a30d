-- CreateTable
CREATE TABLE "revisions" (
    "article_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "action" TEXT NOT NULL,
    "changed" TEXT[],
    "edition" INTEGER,
    "restored_from" INTEGER,
    "actor_id" UUID,
    "actor_name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "keyframe" INTEGER NOT NULL,
    "content" BYTEA NOT NULL,

    CONSTRAINT "revisions_pkey" PRIMARY KEY ("article_id","number")
);

-- CreateIndex
CREATE UNIQUE INDEX "revisions_article_id_edition_key" ON "revisions"("article_id", "edition");

-- AddForeignKey
ALTER TABLE "revisions" ADD CONSTRAINT "revisions_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;



-- What Prisma's schema language cannot say.

ALTER TABLE "revisions" ADD CONSTRAINT "revisions_check" CHECK (
    "number" >= 1 AND "keyframe" BETWEEN 1 AND "number" AND "restored_from" < "number"
    AND "edition" >= 1 AND "action" ~ '^[a-z][A-Za-z]*$'
);

-- An article that is older than this table gets its first revision with its next change: how it
-- stood before, which only the application can write.

-- What is deflated already gains nothing from PostgreSQL's own compression.
ALTER TABLE "revisions" ALTER COLUMN "content" SET STORAGE EXTERNAL;

CREATE TRIGGER "revisions_immutable" BEFORE UPDATE ON "revisions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
