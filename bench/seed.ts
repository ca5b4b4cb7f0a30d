import pg from "pg";

/**
 * Fills an empty, migrated database with live articles of about 3 kB, by SQL alone: the same rows
 * that publishing writes, a few minutes faster. They are spread over 20 sections, 200 tags and 50
 * authors, and over ten years.
 */
export async function seed(databaseUrl: string, articles: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("BEGIN");
    for (const [table, count] of [
      ["sections", 20],
      ["tags", 200],
      ["authors", 50],
    ] as const) {
      await client.query(
        `INSERT INTO ${table} (id, slug, name)
         SELECT md5('${table}' || n)::uuid, '${table}-' || n, '${table} ' || n FROM generate_series(0, ${count - 1}) n`,
      );
    }
    await client.query(
      `CREATE TEMP TABLE story ON COMMIT DROP AS
       SELECT n, md5('article' || n)::uuid AS id, 'story-' || n AS slug, 'Story number ' || n AS headline,
              timestamptz '2016-01-01' + n * (interval '3650 days' / $1::int) AS moment,
              md5('sections' || n % 20)::uuid AS section,
              md5('tags' || n % 200)::uuid AS tag, md5('authors' || n % 50)::uuid AS author
       FROM generate_series(1, $1::int) n`,
      [articles],
    );
    await client.query(
      "INSERT INTO slugs (slug, article_id, published_at) SELECT slug, id, moment FROM story",
    );
    await client.query(
      `INSERT INTO articles (id, slug, status, headline, section_id, revision, version, published_revision,
                             first_published_at, published_at, created_at, updated_at)
       SELECT id, slug, 'published', headline, section, 2, 1, 2, moment, moment, moment, moment FROM story`,
    );
    await client.query(
      `CREATE TEMP TABLE rendered ON COMMIT DROP AS
       SELECT story.*, jsonb_build_object(
         'id', id, 'slug', slug, 'status', 'published', 'hasUnpublishedChanges', false, 'headline', headline,
         'standfirst', NULL, 'dateline', NULL, 'language', 'en', 'section', 'sections-' || n % 20,
         'tags', jsonb_build_array('tags-' || n % 200), 'authors', '[]'::jsonb, 'keyPoints', '[]'::jsonb,
         'relatedLinks', '[]'::jsonb, 'corrections', '[]'::jsonb, 'version', 1, 'firstPublishedAt', moment,
         'publishedAt', moment, 'scheduledFor', NULL, 'embargoedUntil', NULL, 'createdAt', moment, 'updatedAt', moment
       ) AS summary,
       (SELECT jsonb_agg(jsonb_build_object('id', 'b' || b, 'type', 'paragraph', 'text', repeat(md5(n || ' ' || b) || ' ', 10)))
        FROM generate_series(1, 7) b) AS body
       FROM story`,
    );
    await client.query(
      `INSERT INTO editions (article_id, version, document, created_at)
       SELECT id, 1, summary || jsonb_build_object('body', body), moment FROM rendered`,
    );
    await client.query(
      `INSERT INTO publications (article_id, version, slug, document, summary, headline, title_key, language, terms,
                                 published_at, updated_at)
       SELECT id, 1, slug, (summary || jsonb_build_object('body', body))::text, summary::text, headline,
              lower(headline), 'en', ARRAY[section, tag, author], moment, moment FROM rendered`,
    );
    await client.query(
      "INSERT INTO share_counts (article_id, network, count) SELECT id, network, n % 100 FROM story, (VALUES ('facebook'), ('x')) v (network)",
    );
    await client.query("COMMIT");
    await client.query("VACUUM ANALYZE");
  } finally {
    await client.end();
  }
}
