-- CreateTable
CREATE TABLE "share_hours" (
    "article_id" UUID NOT NULL,
    "hour" TIMESTAMPTZ(3) NOT NULL,
    "count" BIGINT NOT NULL,

    CONSTRAINT "share_hours_pkey" PRIMARY KEY ("article_id","hour")
);

-- CreateTable
CREATE TABLE "share_spans" (
    "span" TEXT NOT NULL,
    "hours" INTEGER NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "share_spans_pkey" PRIMARY KEY ("span")
);

-- CreateTable
CREATE TABLE "share_standings" (
    "article_id" UUID NOT NULL,
    "span" TEXT NOT NULL,
    "count" BIGINT NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "share_standings_pkey" PRIMARY KEY ("article_id","span")
);

-- CreateIndex
CREATE INDEX "share_hours_hour_idx" ON "share_hours"("hour");

-- CreateIndex
CREATE INDEX "share_standings_span_count_published_at_article_id_idx" ON "share_standings"("span", "count", "published_at", "article_id");

-- AddForeignKey
ALTER TABLE "share_hours" ADD CONSTRAINT "share_hours_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "share_standings" ADD CONSTRAINT "share_standings_article_id_fkey" FOREIGN KEY ("article_id") REFERENCES "articles"("id") ON DELETE CASCADE ON UPDATE CASCADE;


-- What Prisma's schema language cannot say.

-- Shares of the present hour and of as many hours before it. They are recorded from here on: when
-- earlier ones came is not known.
INSERT INTO "share_spans" ("span", "hours", "since")
SELECT "span", "hours", date_trunc('hour', now(), 'UTC') - "hours" * interval '1 hour'
FROM (VALUES ('1h', 1), ('24h', 24), ('7d', 168)) AS spans ("span", "hours");

ALTER TABLE "share_hours" ADD CONSTRAINT "share_hours_check" CHECK ("count" > 0 AND "hour" = date_trunc('hour', "hour", 'UTC'));
ALTER TABLE "share_standings" ADD CONSTRAINT "share_standings_check" CHECK ("span" IN ('1h', '24h', '7d', 'all'));
-- Hot rows leave many dead versions behind, which readers of the first page would step over.
ALTER TABLE "share_standings" SET (autovacuum_vacuum_scale_factor = 0.02);

-- The totals of articles follow their counts, whoever changes those. An article that has only
-- drafts gets the time when it is published.
CREATE FUNCTION "count_share_totals"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    UPDATE share_standings standing SET count = standing.count - change.count
    FROM (SELECT article_id, sum(count)::bigint AS count FROM old_counts GROUP BY article_id) change
    WHERE standing.article_id = change.article_id AND standing.span = 'all';
    RETURN NULL;
  END IF;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO share_standings AS standing (article_id, span, count, published_at)
    SELECT article_id, 'all', change.count, coalesce(p.published_at, now())
    FROM (SELECT article_id, sum(count)::bigint AS count FROM new_counts GROUP BY article_id) change
    LEFT JOIN publications p USING (article_id)
    WHERE change.count <> 0 ORDER BY article_id
    ON CONFLICT (article_id, span) DO UPDATE SET count = standing.count + excluded.count;
    RETURN NULL;
  END IF;
  INSERT INTO share_standings AS standing (article_id, span, count, published_at)
  SELECT article_id, 'all', change.count, coalesce(p.published_at, now())
  FROM (
    SELECT article_id, sum(count)::bigint AS count
    FROM (SELECT article_id, count FROM new_counts UNION ALL SELECT article_id, -count FROM old_counts) counts
    GROUP BY article_id
  ) change
  LEFT JOIN publications p USING (article_id)
  WHERE change.count <> 0 ORDER BY article_id
  ON CONFLICT (article_id, span) DO UPDATE SET count = standing.count + excluded.count;
  RETURN NULL;
END
$$;
CREATE TRIGGER "share_counts_inserted" AFTER INSERT ON "share_counts" REFERENCING NEW TABLE AS new_counts
  FOR EACH STATEMENT EXECUTE FUNCTION "count_share_totals"();
CREATE TRIGGER "share_counts_updated" AFTER UPDATE ON "share_counts" REFERENCING OLD TABLE AS old_counts NEW TABLE AS new_counts
  FOR EACH STATEMENT EXECUTE FUNCTION "count_share_totals"();
CREATE TRIGGER "share_counts_deleted" AFTER DELETE ON "share_counts" REFERENCING OLD TABLE AS old_counts
  FOR EACH STATEMENT EXECUTE FUNCTION "count_share_totals"();

-- Standings are locked in the order of their keys everywhere, so that no two transactions wait for each other.
CREATE FUNCTION "date_share_standings"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM share_standings WHERE article_id = NEW.article_id ORDER BY span FOR UPDATE;
  UPDATE share_standings SET published_at = NEW.published_at
  WHERE article_id = NEW.article_id AND published_at <> NEW.published_at;
  RETURN NULL;
END
$$;
CREATE TRIGGER "publications_made" AFTER INSERT ON "publications"
  FOR EACH ROW EXECUTE FUNCTION "date_share_standings"();
CREATE TRIGGER "publications_moved" AFTER UPDATE OF "published_at" ON "publications"
  FOR EACH ROW WHEN (OLD."published_at" <> NEW."published_at") EXECUTE FUNCTION "date_share_standings"();

-- The totals of what was counted before there were standings.
INSERT INTO "share_standings" ("article_id", "span", "count", "published_at")
SELECT "article_id", 'all', "total", coalesce(p."published_at", now())
FROM (SELECT "article_id", sum("count")::bigint AS "total" FROM "share_counts" GROUP BY "article_id") counts
LEFT JOIN "publications" p USING ("article_id")
WHERE "total" > 0;
