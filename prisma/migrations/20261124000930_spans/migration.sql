-- From publication to the newest edition, so that a list by update can take what was published before a moment without
-- passing over all that was published since (src/editions/listings.ts).
CREATE INDEX CONCURRENTLY IF NOT EXISTS "search_entries_span_idx" ON "search_entries"
  USING gist (tstzrange(least("published_at", "updated_at"), "updated_at", '[]'))
