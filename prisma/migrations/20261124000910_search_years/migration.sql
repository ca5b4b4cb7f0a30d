-- Words, terms and the year of publication in one index, so that a search can take the newest matches from it year by
-- year, and need not look at all that there ever were (src/search/list.ts). Without a list of pending entries, which
-- every reader would have to look through.
CREATE INDEX CONCURRENTLY IF NOT EXISTS "search_entries_vector_terms_year_idx" ON "search_entries"
  USING GIN ("vector", "terms", (ARRAY[extract(year FROM "published_at" AT TIME ZONE 'UTC')::int])) WITH (fastupdate = off)
