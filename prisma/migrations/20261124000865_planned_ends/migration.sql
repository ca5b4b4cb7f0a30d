-- What is planned is few rows, but where there is no index PostgreSQL 15 takes reading them all, which is
-- forbidden (`enable_seqscan`), for so dear that it no longer tells good plans of the rest from bad ones.
CREATE INDEX "planned_editions_ending_idx" ON "planned_editions" ("live_until") WHERE "live_until" IS NOT NULL;
CREATE INDEX "planned_editions_seen_from_idx" ON "planned_editions" (coalesce("partners_from", "live_from"));
