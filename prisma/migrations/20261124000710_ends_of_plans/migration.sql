-- AlterTable
ALTER TABLE "planned_editions" ADD COLUMN     "live_until" TIMESTAMPTZ(3);


-- What Prisma's schema language cannot say.

UPDATE "planned_editions" n SET "live_until" = (
  SELECT e."live_until" FROM "editions" e WHERE e."article_id" = n."article_id" AND e."version" = n."version"
);
ALTER TABLE "planned_editions" ADD CONSTRAINT "planned_editions_span_check" CHECK ("live_until" > "live_from" AND "partners_from" < "live_from");

-- A planned edition that is due takes the place of the publication in everything, its end included:
-- it may end sooner than what it replaces, or come when that has ended.
CREATE OR REPLACE VIEW "live" AS
SELECT p."article_id", p."headline", p."title_key", p."language", p."terms", p."published_at", p."updated_at",
       CASE WHEN n."live_from" <= now() THEN n."version" ELSE p."version" END AS "version",
       CASE WHEN n."live_from" <= now() THEN n."slug" ELSE p."slug" END AS "slug",
       CASE WHEN n."live_from" <= now() THEN n."document" ELSE p."document" END AS "document",
       CASE WHEN n."live_from" <= now() THEN n."summary" ELSE p."summary" END AS "summary",
       (CASE WHEN n."live_from" <= now() THEN n."live_until" ELSE least(p."live_until", n."live_from") END)::timestamptz AS "changes_at"
FROM "publications" p LEFT JOIN "planned_editions" n ON n."article_id" = p."article_id"
WHERE p."live_from" <= now()
  AND coalesce(CASE WHEN n."live_from" <= now() THEN n."live_until" ELSE p."live_until" END > now(), true);

CREATE OR REPLACE VIEW "live_for_partners" AS
SELECT p."article_id", p."headline", p."title_key", p."language", p."terms", p."published_at", p."updated_at",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."version" ELSE p."version" END AS "version",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."slug" ELSE p."slug" END AS "slug",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."document" ELSE p."document" END AS "document",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."summary" ELSE p."summary" END AS "summary",
       NULL::timestamptz AS "changes_at"
FROM "publications" p LEFT JOIN "planned_editions" n ON n."article_id" = p."article_id"
WHERE coalesce(p."partners_from", p."live_from") <= now()
  AND coalesce(CASE WHEN coalesce(n."partners_from", n."live_from") <= now() THEN n."live_until" ELSE p."live_until" END > now(), true);

CREATE OR REPLACE VIEW "hidden" AS
SELECT "article_id" FROM "publications" WHERE "live_from" > now()
UNION ALL SELECT p."article_id" FROM "publications" p WHERE p."live_until" <= now()
  AND NOT EXISTS (SELECT FROM "planned_editions" n WHERE n."article_id" = p."article_id" AND n."live_from" <= now())
UNION ALL SELECT "article_id" FROM "planned_editions" WHERE "live_until" <= now();
CREATE OR REPLACE VIEW "hidden_from_partners" AS
SELECT "article_id" FROM "publications" WHERE "live_from" > now() AND ("partners_from" IS NULL OR "partners_from" > now())
UNION ALL SELECT p."article_id" FROM "publications" p WHERE p."live_until" <= now()
  AND NOT EXISTS (SELECT FROM "planned_editions" n WHERE n."article_id" = p."article_id" AND coalesce(n."partners_from", n."live_from") <= now())
UNION ALL SELECT "article_id" FROM "planned_editions" WHERE "live_until" <= now();
