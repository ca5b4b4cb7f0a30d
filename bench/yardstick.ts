import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { deflateRawSync } from "node:zlib";
import Fastify from "fastify";
import pg from "pg";
import { v7 as uuid } from "uuid";

// What Dateline is measured against, as a process of its own: node bench/yardstick.ts KIND [DATABASE_URL] < BODY
const [kind = "", databaseUrl] = process.argv.slice(2);
const body: Buffer[] = [];
for await (const chunk of process.stdin) body.push(chunk as Buffer);
const bytes = Buffer.concat(body);
const json = { "content-type": "application/json; charset=utf-8" };
const pool = databaseUrl === undefined ? undefined : new pg.Pool({ connectionString: databaseUrl, max: 20 });

/** A bare node:http server that sends the same bytes whatever it is asked. */
function bare() {
  const headers = { ...json, "content-length": bytes.length };
  return createServer((_request, response) => {
    response.writeHead(200, headers).end(bytes);
  });
}

/** One prepared statement by primary key behind a bare node:http server. */
function statement() {
  const query = { name: "read", text: "SELECT document FROM publications WHERE article_id = $1" };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const found = await pool?.query({ ...query, values: [request.url?.split("/").at(-1)] });
    const document = Buffer.from(found?.rows[0].document as string);
    response.writeHead(200, { ...json, "content-length": document.length }).end(document);
  };
  return createServer((request, response) => void answer(request, response));
}

/** A POST in the same framework that does nothing, or one UPDATE. */
async function post(update: boolean) {
  const app = Fastify();
  app.post("/v1/articles/:article/shares", async (request, reply) => {
    const { article } = request.params as { article: string };
    const { network } = request.body as { network: string };
    if (update) {
      await pool?.query({
        name: "count",
        text: "UPDATE share_counts SET count = count + 1 WHERE article_id = $1 AND network = $2",
        values: [article, network],
      });
    }
    return reply.code(201).send({ network, count: 1, updatedAt: new Date().toISOString() });
  });
  await app.ready();
  return app.server;
}

/**
 * The rows of an article, its slug, key points and links, its first revision and its entry in the audit
 * log, in one transaction written by hand.
 */
function create() {
  const run = async (request: IncomingMessage, response: ServerResponse) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const article = JSON.parse(Buffer.concat(parts).toString()) as NewArticle;
    const id = uuid();
    const slug = `story-${id}`;
    const client = await pool?.connect();
    const query = (name: string, text: string, values: unknown[]) => client?.query({ name, text, values });
    await client?.query("BEGIN");
    await query("slug", "INSERT INTO slugs (slug, article_id) VALUES ($1, $2)", [slug, id]);
    await query("article", "INSERT INTO articles (id, slug, headline, dateline) VALUES ($1, $2, $3, $4)", [
      id,
      slug,
      article.headline,
      article.dateline,
    ]);
    await query(
      "points",
      "INSERT INTO key_points (id, article_id, position, text) SELECT gen_random_uuid(), $1, place - 1, text FROM unnest($2::text[]) WITH ORDINALITY AS t (text, place)",
      [id, article.keyPoints],
    );
    const links = article.relatedLinks;
    await query(
      "links",
      `INSERT INTO related_links (id, article_id, position, kind, title, title_key, url)
       SELECT gen_random_uuid(), $1, place - 1, kind::"LinkKind", title, lower(title), url
       FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS t (kind, title, url, place)`,
      [id, links.map((link) => link.kind), links.map((link) => link.title), links.map((link) => link.url)],
    );
    await query(
      "revision",
      `INSERT INTO revisions (article_id, number, action, changed, actor_name, created_at, keyframe, content)
       VALUES ($1, 1, 'created', '{}', 'bench', now(), 1, $2)`,
      [id, deflateRawSync(JSON.stringify(article))],
    );
    await query(
      "audit",
      `INSERT INTO audit_entries
         (id, at, outcome, actor_name, operation, method, path, resource_kind, resource_id, article_id, status)
       VALUES ($1, now(), 'done', 'bench', 'createArticle', 'POST', '/v1/articles', 'articles', $2::text, $2::uuid, 201)`,
      [uuid(), id],
    );
    await client?.query("COMMIT");
    client?.release();
    const answer = Buffer.from(JSON.stringify({ id, slug, ...article }));
    response.writeHead(201, { ...json, "content-length": answer.length }).end(answer);
  };
  return createServer((request, response) => void run(request, response));
}

interface NewArticle {
  headline: string;
  dateline: string;
  keyPoints: string[];
  relatedLinks: { kind: string; title: string; url: string }[];
}

const server =
  kind === "statement"
    ? statement()
    : kind === "nothing"
      ? await post(false)
      : kind === "update"
        ? await post(true)
        : kind === "create"
          ? create()
          : bare();
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`ready at http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
});
