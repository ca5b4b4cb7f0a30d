import pg from "pg";

/** How many articles a term of each kind has: one in so many. */
const KINDS = { sections: 20, tags: 200, authors: 50 } as const;
/** How many different paragraphs the archive is put together from, three to an article. */
const PARAGRAPHS = 2_000;

/**
 * Fills an empty, migrated database with live articles of about 3 kB, by SQL alone: the same rows
 * that publishing writes, hours faster. They are spread over ten years, 20 sections, 200 tags, 50
 * authors and three languages, each drawn by itself, so that all go together. Every ten thousandth
 * has the tag `rare`. One in ten paragraphs has "old harbour bridge", one in a hundred `ferry`, and
 * one headline in five thousand `lighthouse`.
 *
 * @param words how many words a paragraph has
 */
export async function seed(databaseUrl: string, articles: number, words = 100): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("BEGIN");
    for (const [table, count] of Object.entries(KINDS)) {
      await client.query(
        `INSERT INTO ${table} (id, slug, name)
         SELECT md5('${table}' || n)::uuid, '${table}-' || n, '${table} ' || n FROM generate_series(0, ${count - 1}) n`,
      );
    }
    await client.query("INSERT INTO tags (id, slug, name) VALUES (md5('rare')::uuid, 'rare', 'Rare')");
    await client.query(
      `CREATE TEMP TABLE paragraph ON COMMIT DROP AS
       SELECT n, text, setweight(to_tsvector('english', text), 'D') AS en,
              setweight(to_tsvector('portuguese', text), 'D') AS pt, setweight(to_tsvector('french', text), 'D') AS fr
       FROM generate_series(0, ${PARAGRAPHS - 1}) n CROSS JOIN LATERAL (
         SELECT CASE WHEN n % 10 = 0 THEN 'old harbour bridge ' ELSE '' END
           || CASE WHEN n % 100 = 7 THEN 'ferry ' ELSE '' END
           || string_agg(${word("(power(random(), 3) * 5000)::int + 0 * (n + m)")}, ' ') AS text
         FROM generate_series(1, ${words}) m
       ) written`,
    );
    const drawn = (from: number, which: number) => `((hashint8extended(n, ${which}) & 1048575) % ${from})`;
    await client.query(
      `CREATE TEMP TABLE story ON COMMIT DROP AS
       SELECT n, md5('article' || n)::uuid AS id, 'story-' || n AS slug,
              'Story number ' || n || CASE WHEN n % 5000 = 9 THEN ' lighthouse' ELSE '' END AS headline,
              timestamptz '2016-01-01' + n * (interval '3650 days' / $1::int) AS moment,
              timestamptz '2016-01-01' + n * (interval '3650 days' / $1::int) + ${drawn(500, 9)} * interval '1 hour' AS updated,
              (ARRAY['en', 'en', 'en', 'en', 'en', 'en', 'en', 'en', 'pt-BR', 'fr'])[1 + ${drawn(10, 1)}] AS language,
              ${drawn(KINDS.sections, 2)} AS section, ${drawn(KINDS.tags, 3)} AS tag, ${drawn(KINDS.authors, 4)} AS author,
              ${drawn(PARAGRAPHS, 5)} AS one, ${drawn(PARAGRAPHS, 6)} AS two, ${drawn(PARAGRAPHS, 7)} AS three
       FROM generate_series(1, $1::int) n`,
      [articles],
    );
    await client.query("ANALYZE story");
    await client.query("ANALYZE paragraph");
    await client.query(
      "INSERT INTO slugs (slug, article_id, published_at) SELECT slug, id, moment FROM story",
    );
    await client.query(
      `INSERT INTO articles (id, slug, status, headline, language, section_id, revision, version, published_revision,
                             first_published_at, published_at, created_at, updated_at)
       SELECT id, slug, 'published', headline, language, md5('sections' || section)::uuid, 2, 1, 2, moment, moment,
              moment, updated FROM story`,
    );
    await client.query(
      `INSERT INTO article_tags (article_id, tag_id, position)
       SELECT id, md5('tags' || tag)::uuid, 0 FROM story
       UNION ALL SELECT id, md5('rare')::uuid, 1 FROM story WHERE n % 10000 = 3`,
    );
    await client.query(
      `INSERT INTO article_authors (article_id, author_id, position)
       SELECT id, md5('authors' || author)::uuid, 0 FROM story`,
    );
    await client.query(
      `CREATE TEMP TABLE rendered ON COMMIT DROP AS
       SELECT story.*, jsonb_build_object(
         'id', id, 'slug', slug, 'status', 'published', 'hasUnpublishedChanges', false, 'headline', headline,
         'standfirst', NULL, 'dateline', NULL, 'language', language, 'section', 'sections-' || section,
         'tags', jsonb_build_array('tags-' || tag),
         'authors', jsonb_build_array(jsonb_build_object('id', md5('authors' || author)::uuid,
           'name', 'authors ' || author, 'slug', 'authors-' || author)),
         'keyPoints', '[]'::jsonb, 'relatedLinks', '[]'::jsonb, 'corrections', '[]'::jsonb, 'version', 1,
         'firstPublishedAt', moment, 'publishedAt', moment, 'scheduledFor', NULL, 'embargoedUntil', NULL,
         'createdAt', moment, 'updatedAt', updated
       ) AS summary,
       jsonb_build_array(${["a", "b", "c"].map((p) => `jsonb_build_object('id', '${p}', 'type', 'paragraph', 'text', ${p}.text)`).join(", ")}) AS body
       FROM story ${joins}`,
    );
    await client.query(
      `INSERT INTO editions (article_id, version, document, terms, title_key, published_at, live_from, created_at)
       SELECT id, 1, summary || jsonb_build_object('body', body), ${terms}, lower(headline), moment, updated, updated FROM rendered`,
    );
    await client.query(
      `INSERT INTO publications (article_id, version, slug, document, summary, headline, title_key, language, terms,
                                 published_at, updated_at, live_from)
       SELECT id, 1, slug, (summary || jsonb_build_object('body', body))::text, summary::text, headline,
              lower(headline), language, ${terms},
              moment, updated, updated FROM rendered`,
    );
    // An index of words is made in minutes at the end, and would take hours to grow word by word.
    const [index] = (
      await client.query<{ definition: string }>(
        "SELECT pg_get_indexdef('search_entries_vector_terms_year_idx'::regclass) AS definition",
      )
    ).rows;
    await client.query("DROP INDEX search_entries_vector_terms_year_idx");
    await client.query(
      `INSERT INTO search_entries (article_id, config, published_at, updated_at, terms, vector)
       SELECT p.article_id, config, p.published_at, p.updated_at, terms_of(p.terms, p.language),
              setweight(to_tsvector(config::regconfig, p.headline), 'A') || CASE config
                WHEN 'english' THEN a.en || b.en || c.en
                WHEN 'french' THEN a.fr || b.fr || c.fr
                ELSE a.pt || b.pt || c.pt END
       FROM story ${joins} JOIN publications p ON p.article_id = story.id CROSS JOIN LATERAL (
         SELECT CASE p.language WHEN 'en' THEN 'english' WHEN 'fr' THEN 'french' ELSE 'portuguese' END AS config
       ) configuration`,
    );
    await client.query(index?.definition ?? "");
    await client.query(
      `INSERT INTO search_words (word)
       SELECT DISTINCT word FROM paragraph CROSS JOIN unnest(string_to_array(text, ' ')) AS word
       UNION VALUES ('story'), ('number'), ('lighthouse') ON CONFLICT DO NOTHING`,
    );
    await client.query(
      `INSERT INTO share_counts (article_id, network, count, settled)
       SELECT id, network, count, count
       FROM story, (VALUES ('facebook'), ('x')) v (network), LATERAL (SELECT ${drawn(100, 8)} AS count) d`,
    );
    await client.query(
      `INSERT INTO share_standings (article_id, span, count, published_at)
       SELECT article_id, 'all', sum(count), published_at
       FROM share_counts JOIN publications USING (article_id) GROUP BY article_id, published_at`,
    );
    // What was shared in the last day: one article in fifty.
    await client.query(
      `INSERT INTO share_hours (article_id, hour, count)
       SELECT id, date_trunc('hour', now(), 'UTC'), 1 + ${drawn(100, 10)} FROM story WHERE n % 50 = 0`,
    );
    await client.query(
      `INSERT INTO share_standings (article_id, span, count, published_at)
       SELECT article_id, span, count, published_at
       FROM share_hours JOIN publications USING (article_id) CROSS JOIN (VALUES ('1h'), ('24h'), ('7d')) v (span)`,
    );
    await client.query("COMMIT");
    await client.query("VACUUM ANALYZE");
  } finally {
    await client.end();
  }
}

/** The ids of a story's section, tags and author. */
const terms = `ARRAY[md5('sections' || section)::uuid, md5('tags' || tag)::uuid, md5('authors' || author)::uuid]
  || CASE WHEN n % 10000 = 3 THEN ARRAY[md5('rare')::uuid] ELSE '{}' END`;

const joins =
  "JOIN paragraph a ON a.n = story.one JOIN paragraph b ON b.n = story.two JOIN paragraph c ON c.n = story.three";

/** A made-up word of letters alone for a number. */
function word(number: string): string {
  return `translate(left(md5((${number})::text), 7), '0123456789', 'ghijklmnop')`;
}
