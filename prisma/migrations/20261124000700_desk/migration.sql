-- AlterTable
ALTER TABLE "articles" ADD COLUMN     "expires_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "editions" ADD COLUMN     "live_from" TIMESTAMPTZ(3),
ADD COLUMN     "live_until" TIMESTAMPTZ(3),
ADD COLUMN     "published_at" TIMESTAMPTZ(3),
ADD COLUMN     "revision" INTEGER,
ADD COLUMN     "terms" UUID[];

-- AlterTable
ALTER TABLE "publications" ADD COLUMN     "live_from" TIMESTAMPTZ(3),
ADD COLUMN     "live_until" TIMESTAMPTZ(3),
ADD COLUMN     "partners_from" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "planned_editions" (
    "article_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "slug" TEXT NOT NULL,
    "document" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "live_from" TIMESTAMPTZ(3) NOT NULL,
    "partners_from" TIMESTAMPTZ(3),

    CONSTRAINT "planned_editions_pkey" PRIMARY KEY ("article_id")
);

-- CreateTable
CREATE TABLE "corrections" (
    "article_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "corrections_pkey" PRIMARY KEY ("article_id","number")
);

-- CreateTable
CREATE TABLE "transitions" (
    "id" BIGSERIAL NOT NULL,
    "article_id" UUID NOT NULL,
    "action" TEXT NOT NULL,
    "from" TEXT NOT NULL,
    "to" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "note" TEXT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "transitions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "withdrawals" (
    "article_id" UUID NOT NULL,
    "reason" TEXT NOT NULL,
    "public_reason" TEXT,
    "actor" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "withdrawals_pkey" PRIMARY KEY ("article_id")
);

-- CreateTable
CREATE TABLE "changes" (
    "sequence" BIGSERIAL NOT NULL,
    "kind" TEXT NOT NULL,
    "article_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "slug" TEXT NOT NULL,
    "detail" JSONB,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "changes_pkey" PRIMARY KEY ("sequence")
);

-- CreateIndex
CREATE INDEX "publications_live_from_idx" ON "publications"("live_from");

-- CreateIndex
CREATE INDEX "planned_editions_live_from_idx" ON "planned_editions"("live_from");

-- CreateIndex
CREATE UNIQUE INDEX "planned_editions_article_id_version_key" ON "planned_editions"("article_id", "version");

-- CreateIndex
CREATE INDEX "transitions_article_id_id_idx" ON "transitions"("article_id", "id");

-- CreateIndex
CREATE INDEX "changes_article_id_sequence_idx" ON "changes"("article_id", "sequence");

-- CreateIndex
CREATE INDEX "editions_published_at_article_id_idx" ON "editions"("published_at", "article_id");

-- AddForeignKey
ALTER TABLE "planned_editions" ADD CONSTRAINT "planned_editions_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "planned_editions" ADD CONSTRAINT "planned_editions_article_id_version_fkey" FOREIGN KEY ("article_id", "version") REFERENCES "editions"("article_id", "version") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "transitions" ADD CONSTRAINT "transitions_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;




-- What Prisma's schema language cannot say.

-- Editions and publications of before: an edition was what readers saw until the next one came, the
-- last one until its article was unpublished.
DROP TRIGGER "editions_immutable" ON "editions";
UPDATE "editions" e SET
  "published_at" = coalesce(("document"->>'publishedAt')::timestamptz, "created_at"),
  "live_from" = "created_at",
  "live_until" = coalesce(
    (SELECT min("created_at") FROM "editions" later WHERE later."article_id" = e."article_id" AND later."version" > e."version"),
    (SELECT a."updated_at" FROM "articles" a WHERE a."id" = e."article_id" AND a."status" <> 'published')
  ),
  "revision" = (SELECT a."published_revision" FROM "articles" a WHERE a."id" = e."article_id" AND a."version" = e."version"),
  "terms" = ARRAY(SELECT "id" FROM "sections" WHERE "slug" = e."document"->>'section')
    || ARRAY(SELECT "id" FROM "tags" WHERE e."document"->'tags' ? "slug")
    || ARRAY(SELECT (author->>'id')::uuid FROM jsonb_array_elements(e."document"->'authors') author);
UPDATE "publications" p SET "live_from" = (SELECT e."live_from" FROM "editions" e WHERE e."article_id" = p."article_id" AND e."version" = p."version");
ALTER TABLE "editions" ALTER COLUMN "published_at" SET NOT NULL, ALTER COLUMN "live_from" SET NOT NULL, ALTER COLUMN "terms" SET NOT NULL;
ALTER TABLE "publications" ALTER COLUMN "live_from" SET NOT NULL;

-- When an edition ends is known only when it does.
CREATE TRIGGER "editions_immutable" BEFORE UPDATE OF "article_id", "version", "document", "revision", "terms", "published_at", "live_from", "created_at"
  ON "editions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
CREATE TRIGGER "changes_immutable" BEFORE UPDATE ON "changes" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();
ALTER TABLE "editions" ADD CONSTRAINT "editions_span_check" CHECK ("live_until" >= "live_from");
ALTER TABLE "publications" ADD CONSTRAINT "publications_span_check" CHECK ("live_until" > "live_from" AND "partners_from" < "live_from");
ALTER TABLE "changes" ADD CONSTRAINT "changes_kind_check" CHECK ("kind" IN ('published', 'updated', 'corrected', 'unpublished', 'deleted', 'moved', 'withdrawn'));
ALTER TABLE "articles" ADD CONSTRAINT "articles_scheduled_check" CHECK ("status" <> 'scheduled' OR "scheduled_for" IS NOT NULL);

-- What is to happen soon is few rows among many.
CREATE INDEX "publications_ending_idx" ON "publications" ("live_until") WHERE "live_until" IS NOT NULL;
CREATE INDEX "articles_scheduled_idx" ON "articles" ("scheduled_for") WHERE "scheduled_for" IS NOT NULL;

-- What readers see at this moment, whether or not the job that follows a schedule has run: lists go
-- by the columns of publications, what is shown comes from a planned edition as soon as it is due.
CREATE VIEW "live" AS
SELECT p."article_id", p."headline", p."title_key", p."language", p."terms", p."published_at", p."updated_at",
       CASE WHEN n."live_from" <= now() THEN n."version" ELSE p."version" END AS "version",
       CASE WHEN n."live_from" <= now() THEN n."slug" ELSE p."slug" END AS "slug",
       CASE WHEN n."live_from" <= now() THEN n."document" ELSE p."document" END AS "document",
       CASE WHEN n."live_from" <= now() THEN n."summary" ELSE p."summary" END AS "summary",
       least(p."live_until", CASE WHEN n."live_from" > now() THEN n."live_from" END) AS "changes_at"
FROM "publications" p LEFT JOIN "planned_editions" n ON n."article_id" = p."article_id"
WHERE p."live_from" <= now() AND (p."live_until" IS NULL OR p."live_until" > now());

-- The same for keys that may read what is under embargo.
CREATE VIEW "live_for_partners" AS
SELECT p."article_id", p."headline", p."title_key", p."language", p."terms", p."published_at", p."updated_at",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."version" ELSE p."version" END AS "version",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."slug" ELSE p."slug" END AS "slug",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."document" ELSE p."document" END AS "document",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."summary" ELSE p."summary" END AS "summary",
       NULL::timestamptz AS "changes_at"
FROM "publications" p LEFT JOIN "planned_editions" n ON n."article_id" = p."article_id"
WHERE coalesce(p."partners_from", p."live_from") <= now() AND (p."live_until" IS NULL OR p."live_until" > now());

-- What waits in its place for its time, or has reached its end and not been taken away yet: few, so
-- that lists leave them out by their ids.
CREATE VIEW "hidden" AS
SELECT "article_id" FROM "publications" WHERE "live_from" > now()
UNION ALL SELECT "article_id" FROM "publications" WHERE "live_until" <= now();
CREATE VIEW "hidden_from_partners" AS
SELECT "article_id" FROM "publications" WHERE "live_from" > now() AND ("partners_from" IS NULL OR "partners_from" > now())
UNION ALL SELECT "article_id" FROM "publications" WHERE "live_until" <= now();
