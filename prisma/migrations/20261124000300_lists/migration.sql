-- CreateTable
CREATE TABLE "listings" (
    "term" UUID NOT NULL,
    "article_id" UUID NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "listings_pkey" PRIMARY KEY ("term","published_at","article_id","updated_at")
);

-- AlterTable
ALTER TABLE "search_entries" ADD COLUMN "terms" UUID[];

-- DropIndex
DROP INDEX "publications_terms_idx";

-- DropIndex
DROP INDEX "search_entries_vector_idx";

-- CreateIndex
CREATE INDEX "listings_term_updated_at_article_id_published_at_idx" ON "listings"("term", "updated_at", "article_id", "published_at");

-- CreateIndex
CREATE INDEX "listings_article_id_idx" ON "listings"("article_id");

-- DropIndex
DROP INDEX "articles_section_id_idx";
DROP INDEX "article_tags_tag_id_idx";
DROP INDEX "article_authors_author_id_idx";

-- CreateIndex
CREATE INDEX "articles_section_id_id_idx" ON "articles"("section_id", "id");
CREATE INDEX "articles_section_id_updated_at_id_idx" ON "articles"("section_id", "updated_at", "id");
CREATE INDEX "articles_language_id_idx" ON "articles"("language", "id");
CREATE INDEX "articles_language_updated_at_id_idx" ON "articles"("language", "updated_at", "id");
CREATE INDEX "articles_status_updated_at_id_idx" ON "articles"("status", "updated_at", "id");
CREATE INDEX "articles_published_at_id_idx" ON "articles"("published_at", "id");
CREATE INDEX "article_tags_tag_id_article_id_idx" ON "article_tags"("tag_id", "article_id");
CREATE INDEX "article_authors_author_id_article_id_idx" ON "article_authors"("author_id", "article_id");

-- AddForeignKey
ALTER TABLE "listings" ADD CONSTRAINT "listings_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "publications"("article_id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema language cannot say.

-- A language as a term among the ids of sections, tags and authors.
CREATE FUNCTION "language_term"(language TEXT) RETURNS UUID LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN md5('language ' || language)::uuid;

-- All that a publication is listed under: everything, its language, section, tags and authors.
CREATE FUNCTION "terms_of"(terms UUID[], language TEXT) RETURNS UUID[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['00000000-0000-0000-0000-000000000000'::uuid, language_term(language)] || terms;

-- The one place where listings follow what is live, by whomever and however many at once it is
-- changed. What is withdrawn takes its listings along.
CREATE FUNCTION "list_publications"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM listings USING old_publications o JOIN new_publications n USING (article_id)
    WHERE listings.article_id = o.article_id
      AND (o.terms, o.language, o.published_at, o.updated_at) IS DISTINCT FROM (n.terms, n.language, n.published_at, n.updated_at);
  END IF;
  INSERT INTO listings (term, article_id, published_at, updated_at)
  SELECT DISTINCT term, article_id, published_at, updated_at
  FROM new_publications n CROSS JOIN unnest(terms_of(terms, language)) AS term
  WHERE NOT EXISTS (SELECT FROM listings l WHERE l.article_id = n.article_id);
  RETURN NULL;
END
$$;
CREATE TRIGGER "publications_listed" AFTER INSERT ON "publications" REFERENCING NEW TABLE AS new_publications
  FOR EACH STATEMENT EXECUTE FUNCTION "list_publications"();
CREATE TRIGGER "publications_listed_anew" AFTER UPDATE ON "publications"
  REFERENCING OLD TABLE AS old_publications NEW TABLE AS new_publications
  FOR EACH STATEMENT EXECUTE FUNCTION "list_publications"();

-- What is live already.
INSERT INTO "listings" ("term", "article_id", "published_at", "updated_at")
SELECT DISTINCT term, "article_id", "published_at", "updated_at"
FROM "publications" CROSS JOIN unnest(terms_of("terms", "language")) AS term;
UPDATE "search_entries" s SET "terms" = terms_of(p."terms", p."language")
FROM "publications" p WHERE p."article_id" = s."article_id";
ALTER TABLE "search_entries" ALTER COLUMN "terms" SET NOT NULL;

-- Words and terms in one index, which finds what has some of each without reading any row. Without
-- a list of pending entries, which every reader would have to look through.
CREATE INDEX "search_entries_vector_terms_idx" ON "search_entries" USING GIN ("vector", "terms") WITH (fastupdate = off);

-- How many articles a term has is known for the thousand most common, and estimated well for others.
ALTER TABLE "listings" ALTER COLUMN "term" SET STATISTICS 1000;
ALTER TABLE "search_entries" ALTER COLUMN "terms" SET STATISTICS 1000;
