-- What readers see is decided by the time of the statement that asks, not of the transaction that it
-- belongs to: one that waited for its turn to publish sees what went live meanwhile, and one that does
-- many operations sees in each what those before it made live. By itself a statement's time and its
-- transaction's are the same.

-- A planned edition that is due takes the place of the publication in everything, its end included:
-- it may end sooner than what it replaces, or come when that has ended.
CREATE OR REPLACE VIEW "live" AS
SELECT p."article_id", p."headline", p."title_key", p."language", p."terms", p."published_at", p."updated_at",
       CASE WHEN n."live_from" <= statement_timestamp() THEN n."version" ELSE p."version" END AS "version",
       CASE WHEN n."live_from" <= statement_timestamp() THEN n."slug" ELSE p."slug" END AS "slug",
       CASE WHEN n."live_from" <= statement_timestamp() THEN n."document" ELSE p."document" END AS "document",
       CASE WHEN n."live_from" <= statement_timestamp() THEN n."summary" ELSE p."summary" END AS "summary",
       (CASE WHEN n."live_from" <= statement_timestamp() THEN n."live_until" ELSE least(p."live_until", n."live_from") END)::timestamptz AS "changes_at"
FROM "publications" p LEFT JOIN "planned_editions" n ON n."article_id" = p."article_id"
WHERE p."live_from" <= statement_timestamp()
  AND coalesce(CASE WHEN n."live_from" <= statement_timestamp() THEN n."live_until" ELSE p."live_until" END > statement_timestamp(), true);

CREATE OR REPLACE VIEW "live_for_partners" AS
SELECT p."article_id", p."headline", p."title_key", p."language", p."terms", p."published_at", p."updated_at",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= statement_timestamp() THEN n."version" ELSE p."version" END AS "version",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= statement_timestamp() THEN n."slug" ELSE p."slug" END AS "slug",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= statement_timestamp() THEN n."document" ELSE p."document" END AS "document",
       CASE WHEN coalesce(n."partners_from", n."live_from") <= statement_timestamp() THEN n."summary" ELSE p."summary" END AS "summary",
       NULL::timestamptz AS "changes_at"
FROM "publications" p LEFT JOIN "planned_editions" n ON n."article_id" = p."article_id"
WHERE coalesce(p."partners_from", p."live_from") <= statement_timestamp()
  AND coalesce(CASE WHEN coalesce(n."partners_from", n."live_from") <= statement_timestamp() THEN n."live_until" ELSE p."live_until" END > statement_timestamp(), true);

CREATE OR REPLACE VIEW "hidden" AS
SELECT "article_id" FROM "publications" WHERE "live_from" > statement_timestamp()
UNION ALL SELECT p."article_id" FROM "publications" p WHERE p."live_until" <= statement_timestamp()
  AND NOT EXISTS (SELECT FROM "planned_editions" n WHERE n."article_id" = p."article_id" AND n."live_from" <= statement_timestamp())
UNION ALL SELECT "article_id" FROM "planned_editions" WHERE "live_until" <= statement_timestamp();
CREATE OR REPLACE VIEW "hidden_from_partners" AS
SELECT "article_id" FROM "publications" WHERE "live_from" > statement_timestamp() AND ("partners_from" IS NULL OR "partners_from" > statement_timestamp())
UNION ALL SELECT p."article_id" FROM "publications" p WHERE p."live_until" <= statement_timestamp()
  AND NOT EXISTS (SELECT FROM "planned_editions" n WHERE n."article_id" = p."article_id" AND coalesce(n."partners_from", n."live_from") <= statement_timestamp())
UNION ALL SELECT "article_id" FROM "planned_editions" WHERE "live_until" <= statement_timestamp();
