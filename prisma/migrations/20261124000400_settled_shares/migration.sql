-- AlterTable
ALTER TABLE "share_counts" ADD COLUMN "settled" BIGINT NOT NULL DEFAULT 0;


-- What Prisma's schema language cannot say.

-- Shares are added to hours and standings a moment after they were counted, many at once. A trigger
-- added each statement's to the totals so far.
DROP TRIGGER "share_counts_inserted" ON "share_counts";
DROP TRIGGER "share_counts_updated" ON "share_counts";
DROP TRIGGER "share_counts_deleted" ON "share_counts";
DROP FUNCTION "count_share_totals"();
UPDATE "share_counts" SET "settled" = "count" WHERE "count" <> 0;

-- The hottest rows there are: with room on their pages a new version needs no new entry in the
-- index, and the dead ones go as soon as the page is read again (PostgreSQL's manual, Heap-Only Tuples).
ALTER TABLE "share_counts" SET (fillfactor = 50);
