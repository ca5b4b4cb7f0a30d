import pg from "pg";
import { expect, it, vi } from "vitest";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

it.each(["", "?q=harbour", "?sort=mostShared", "?count=true&language=en"])(
  "a list that takes the database too long is given up with 503 and when to try again: %s",
  async (query) => {
    const address = new URL(newsroom.databaseUrl);
    address.searchParams.set("statement_timeout", "200");
    const impatient = await startNewsroom(address.href, { DATELINE_CACHE: "0" });
    const client = new pg.Client({ connectionString: newsroom.databaseUrl });
    await client.connect();
    try {
      await client.query("BEGIN");
      await client.query("LOCK TABLE publications, listings, search_entries, share_standings");
      const answer = await impatient.found.reader.get(`/v1/articles${query}`);
      expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "1"]);
      expect(answer.body.detail).toContain("took too long");
      await client.query("ROLLBACK");
      // Who asks for the same within half a second is not made to wait for the same failure.
      await vi.waitFor(
        async () => {
          expect((await impatient.found.reader.get(`/v1/articles${query}`)).status).toBe(200);
        },
        { timeout: 2_000 },
      );
    } finally {
      await client.end();
      await impatient.close();
    }
  },
);
