import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect, it } from "vitest";
import { live } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

it("a connection that breaks within a transaction, whatever it does, is a 503 and never a 500", async () => {
  const { id } = await live(newsroom, { headline: "In the middle" });
  const intruder = new pg.Client({ connectionString: newsroom.databaseUrl });
  await intruder.connect();
  const { editor } = newsroom;
  const operations = [
    { method: "POST", path: "/v1/articles", body: { headline: "One of two" } },
    { method: "POST", path: "/v1/articles/{0.id}/publish" },
  ];
  const works = [
    async () => editor.post("/v1/articles").send({ headline: "Broken", keyPoints: ["one", "two"] }),
    async () => editor.patch(`/v1/articles/${id}`).set("if-match", "*").send({ standfirst: "Changed" }),
    async () => editor.post(`/v1/articles/${id}/publish`),
    async () => editor.post("/v1/bulk").send({ atomic: true, operations }),
  ];
  const over = new AbortController();
  const answers: { status: number; text: string }[] = [];
  const writing = Array.from({ length: 12 }, async (_, number) => {
    while (!over.signal.aborted) {
      const answer = await works[number % works.length]?.();
      if (answer !== undefined) answers.push(answer);
    }
  });
  const count = (status: number) => answers.filter((answer) => answer.status === status).length;
  while (count(503) < 40) {
    await intruder.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'dateline%' AND random() < 0.3`,
    );
    await sleep(20);
  }
  over.abort();
  await Promise.all(writing);
  await intruder.end();
  for (const { status, text } of answers) expect([200, 201, 503], text).toContain(status);
});
