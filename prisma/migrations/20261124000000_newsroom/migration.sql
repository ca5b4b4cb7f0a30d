-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "ArticleStatus" AS ENUM ('draft', 'in_review', 'scheduled', 'published', 'unpublished');

-- CreateEnum
CREATE TYPE "BlockType" AS ENUM ('paragraph', 'heading', 'quote', 'list', 'image', 'embed', 'relatedLink', 'rule');

-- CreateEnum
CREATE TYPE "LinkKind" AS ENUM ('alsoRead', 'background', 'source', 'external');

-- CreateEnum
CREATE TYPE "KeyOrigin" AS ENUM ('api', 'environment', 'firstStart');

-- CreateTable
CREATE TABLE "articles" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "status" "ArticleStatus" NOT NULL DEFAULT 'draft',
    "headline" TEXT NOT NULL,
    "standfirst" TEXT,
    "dateline" TEXT,
    "language" TEXT NOT NULL DEFAULT 'en',
    "section_id" UUID,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "version" INTEGER NOT NULL DEFAULT 0,
    "published_revision" INTEGER,
    "first_published_at" TIMESTAMPTZ(3),
    "published_at" TIMESTAMPTZ(3),
    "scheduled_for" TIMESTAMPTZ(3),
    "embargoed_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "articles_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "article_tags" (
    "article_id" UUID NOT NULL,
    "tag_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "article_tags_pkey" PRIMARY KEY ("article_id","tag_id")
);

-- CreateTable
CREATE TABLE "article_authors" (
    "article_id" UUID NOT NULL,
    "author_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,

    CONSTRAINT "article_authors_pkey" PRIMARY KEY ("article_id","author_id")
);

-- CreateTable
CREATE TABLE "blocks" (
    "article_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "type" "BlockType" NOT NULL,
    "content" JSONB NOT NULL,
    "related_link_id" UUID,

    CONSTRAINT "blocks_pkey" PRIMARY KEY ("article_id","id")
);

-- CreateTable
CREATE TABLE "key_points" (
    "id" UUID NOT NULL,
    "article_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "text" TEXT NOT NULL,
    "block_id" TEXT,

    CONSTRAINT "key_points_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "related_links" (
    "id" UUID NOT NULL,
    "article_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "kind" "LinkKind" NOT NULL,
    "title" TEXT,
    "title_key" TEXT,
    "url" TEXT,
    "target_id" UUID,

    CONSTRAINT "related_links_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "slugs" (
    "slug" TEXT NOT NULL,
    "article_id" UUID NOT NULL,
    "published_at" TIMESTAMPTZ(3),

    CONSTRAINT "slugs_pkey" PRIMARY KEY ("slug")
);

-- CreateTable
CREATE TABLE "share_counts" (
    "article_id" UUID NOT NULL,
    "network" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "share_counts_pkey" PRIMARY KEY ("article_id","network")
);

-- CreateTable
CREATE TABLE "editions" (
    "article_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "document" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "editions_pkey" PRIMARY KEY ("article_id","version")
);

-- CreateTable
CREATE TABLE "publications" (
    "article_id" UUID NOT NULL,
    "version" INTEGER NOT NULL,
    "slug" TEXT NOT NULL,
    "document" TEXT NOT NULL,
    "summary" TEXT NOT NULL,
    "headline" TEXT NOT NULL,
    "title_key" TEXT NOT NULL,
    "language" TEXT NOT NULL,
    "terms" UUID[],
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "publications_pkey" PRIMARY KEY ("article_id")
);

-- CreateTable
CREATE TABLE "publication_links" (
    "article_id" UUID NOT NULL,
    "link_id" UUID NOT NULL,
    "target_id" UUID,
    "title_key" TEXT,

    CONSTRAINT "publication_links_pkey" PRIMARY KEY ("article_id","link_id")
);

-- CreateTable
CREATE TABLE "sections" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sections_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tags" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tags_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "authors" (
    "id" UUID NOT NULL,
    "slug" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "authors_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "keys" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "lookup" BYTEA NOT NULL,
    "digest" BYTEA NOT NULL,
    "hint" TEXT NOT NULL,
    "scopes" TEXT[],
    "origin" "KeyOrigin" NOT NULL DEFAULT 'api',
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "keys_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_records" (
    "caller" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" BYTEA NOT NULL,
    "status" INTEGER NOT NULL,
    "headers" JSONB NOT NULL,
    "body" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "idempotency_records_pkey" PRIMARY KEY ("caller","route","key")
);

-- CreateTable
CREATE TABLE "installation" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "secret" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "installation_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "articles_slug_key" ON "articles"("slug");

-- CreateIndex
CREATE INDEX "articles_section_id_idx" ON "articles"("section_id");

-- CreateIndex
CREATE INDEX "articles_updated_at_id_idx" ON "articles"("updated_at", "id");

-- CreateIndex
CREATE INDEX "articles_status_id_idx" ON "articles"("status", "id");

-- CreateIndex
CREATE INDEX "article_tags_tag_id_idx" ON "article_tags"("tag_id");

-- CreateIndex
CREATE INDEX "article_authors_author_id_idx" ON "article_authors"("author_id");

-- CreateIndex
CREATE INDEX "key_points_article_id_idx" ON "key_points"("article_id");

-- CreateIndex
CREATE INDEX "related_links_article_id_idx" ON "related_links"("article_id");

-- CreateIndex
CREATE INDEX "related_links_target_id_idx" ON "related_links"("target_id");

-- CreateIndex
CREATE INDEX "slugs_article_id_idx" ON "slugs"("article_id");

-- CreateIndex
CREATE UNIQUE INDEX "publications_slug_key" ON "publications"("slug");

-- CreateIndex
CREATE INDEX "publications_published_at_article_id_idx" ON "publications"("published_at", "article_id");

-- CreateIndex
CREATE INDEX "publications_updated_at_article_id_idx" ON "publications"("updated_at", "article_id");

-- CreateIndex
CREATE INDEX "publications_title_key_idx" ON "publications"("title_key");

-- CreateIndex
CREATE INDEX "publications_terms_idx" ON "publications" USING GIN ("terms");

-- CreateIndex
CREATE UNIQUE INDEX "publications_article_id_version_key" ON "publications"("article_id", "version");

-- CreateIndex
CREATE INDEX "publication_links_target_id_idx" ON "publication_links"("target_id");

-- CreateIndex
CREATE UNIQUE INDEX "sections_slug_key" ON "sections"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "tags_slug_key" ON "tags"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "authors_slug_key" ON "authors"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "keys_lookup_key" ON "keys"("lookup");

-- CreateIndex
CREATE INDEX "idempotency_records_created_at_idx" ON "idempotency_records"("created_at");

-- AddForeignKey
ALTER TABLE "articles" ADD CONSTRAINT "articles_section_id_fkey" FOREIGN KEY ("section_id") REFERENCES "sections"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "article_tags" ADD CONSTRAINT "article_tags_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "article_tags" ADD CONSTRAINT "article_tags_tag_id_fkey" FOREIGN KEY ("tag_id") REFERENCES "tags"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "article_authors" ADD CONSTRAINT "article_authors_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "article_authors" ADD CONSTRAINT "article_authors_author_id_fkey" FOREIGN KEY ("author_id") REFERENCES "authors"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "blocks" ADD CONSTRAINT "blocks_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "key_points" ADD CONSTRAINT "key_points_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "related_links" ADD CONSTRAINT "related_links_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "related_links" ADD CONSTRAINT "related_links_target_id_fkey" FOREIGN KEY ("target_id") REFERENCES "articles"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "slugs" ADD CONSTRAINT "slugs_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "share_counts" ADD CONSTRAINT "share_counts_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "editions" ADD CONSTRAINT "editions_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "publications" ADD CONSTRAINT "publications_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "publications" ADD CONSTRAINT "publications_article_id_version_fkey" FOREIGN KEY ("article_id", "version") REFERENCES "editions"("article_id", "version") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "publications" ADD CONSTRAINT "publications_slug_fkey" FOREIGN KEY ("slug") REFERENCES "slugs"("slug") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "publication_links" ADD CONSTRAINT "publication_links_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "publications"("article_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "publication_links" ADD CONSTRAINT "publication_links_target_id_fkey" FOREIGN KEY ("target_id") REFERENCES "articles"("id") ON DELETE SET NULL ON UPDATE CASCADE;


-- What Prisma's schema language cannot say.

-- An article and its slug refer to each other: the slug is held first, and its article checked at the commit.
ALTER TABLE "slugs" ALTER CONSTRAINT "slugs_article_id_fkey" DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "articles" ADD CONSTRAINT "articles_slug_fkey" FOREIGN KEY ("slug") REFERENCES "slugs"("slug");
ALTER TABLE "slugs" ADD CONSTRAINT "slugs_slug_check" CHECK ("slug" ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length("slug") <= 200);
ALTER TABLE "sections" ADD CONSTRAINT "sections_slug_check" CHECK ("slug" ~ '^[a-z0-9]+(-[a-z0-9]+)*$');
ALTER TABLE "tags" ADD CONSTRAINT "tags_slug_check" CHECK ("slug" ~ '^[a-z0-9]+(-[a-z0-9]+)*$');
ALTER TABLE "authors" ADD CONSTRAINT "authors_slug_check" CHECK ("slug" ~ '^[a-z0-9]+(-[a-z0-9]+)*$');

ALTER TABLE "articles" ADD CONSTRAINT "articles_headline_check" CHECK ("headline" ~ '\S');
ALTER TABLE "articles" ADD CONSTRAINT "articles_counters_check" CHECK ("revision" >= 1 AND "version" >= 0 AND "published_revision" <= "revision");
ALTER TABLE "articles" ADD CONSTRAINT "articles_published_check" CHECK ("status" <> 'published' OR ("version" > 0 AND "published_at" IS NOT NULL AND "first_published_at" IS NOT NULL));
ALTER TABLE "articles" ADD CONSTRAINT "articles_trash_check" CHECK ("deleted_at" IS NULL OR "status" <> 'published');

-- Lists are rewritten within a transaction, so their order and their references are checked at its end.
ALTER TABLE "blocks" ADD CONSTRAINT "blocks_position_key" UNIQUE ("article_id", "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "key_points" ADD CONSTRAINT "key_points_position_key" UNIQUE ("article_id", "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "related_links" ADD CONSTRAINT "related_links_position_key" UNIQUE ("article_id", "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "article_tags" ADD CONSTRAINT "article_tags_position_key" UNIQUE ("article_id", "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "article_authors" ADD CONSTRAINT "article_authors_position_key" UNIQUE ("article_id", "position") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "blocks" ADD CONSTRAINT "blocks_check" CHECK ("position" >= 0 AND jsonb_typeof("content") = 'object' AND ("type" = 'relatedLink') = ("related_link_id" IS NOT NULL));
ALTER TABLE "key_points" ADD CONSTRAINT "key_points_check" CHECK ("position" >= 0 AND "text" ~ '\S');
ALTER TABLE "related_links" ADD CONSTRAINT "related_links_check" CHECK (
  "position" >= 0
  AND num_nonnulls("url", "target_id") <= 1
  AND num_nonnulls("title", "url", "target_id") >= 1
  AND ("title_key" IS NOT NULL) = ("title" IS NOT NULL)
);

-- A block and the link it places, a key point and the block it sums up, belong to one article.
ALTER TABLE "related_links" ADD CONSTRAINT "related_links_article_id_id_key" UNIQUE ("article_id", "id");
ALTER TABLE "blocks" ADD CONSTRAINT "blocks_related_link_fkey" FOREIGN KEY ("article_id", "related_link_id") REFERENCES "related_links"("article_id", "id") DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE "key_points" ADD CONSTRAINT "key_points_block_fkey" FOREIGN KEY ("article_id", "block_id") REFERENCES "blocks"("article_id", "id") DEFERRABLE INITIALLY DEFERRED;

-- Bare titles that wait for an article with that headline.
CREATE INDEX "related_links_bare_title_idx" ON "related_links"("title_key") WHERE "target_id" IS NULL AND "url" IS NULL;
CREATE INDEX "publication_links_bare_title_idx" ON "publication_links"("title_key") WHERE "target_id" IS NULL;

-- Counts are JSON numbers that every client reads exactly (RFC 8259, section 6).
ALTER TABLE "share_counts" ADD CONSTRAINT "share_counts_check" CHECK ("count" BETWEEN 0 AND 9007199254740991 AND "network" ~ '^[a-z][a-z0-9_-]{0,31}$');

ALTER TABLE "editions" ADD CONSTRAINT "editions_check" CHECK ("version" >= 1 AND jsonb_typeof("document") = 'object');

CREATE FUNCTION "refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER "editions_immutable" BEFORE UPDATE ON "editions" FOR EACH ROW EXECUTE FUNCTION "refuse_change"();

ALTER TABLE "keys" ADD CONSTRAINT "keys_check" CHECK (length("digest") = 32 AND length("lookup") = 8 AND "name" ~ '\S');
ALTER TABLE "installation" ADD CONSTRAINT "installation_check" CHECK ("id" = 1 AND length("secret") = 32);
