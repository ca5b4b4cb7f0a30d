-- contract 20261124000910_search_years: that index finds all that this one did
DROP INDEX IF EXISTS "search_entries_vector_terms_idx";
