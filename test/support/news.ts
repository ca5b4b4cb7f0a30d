import { expect, vi } from "vitest";
import type { TestNewsroom } from "./newsroom.ts";

/**
 * Waits until a newsroom has heard all that was told so far, its own word included, and keeps in memory what it reads:
 * word of a publication comes after its answer, and makes it let go of the article once more.
 *
 * @param teller has the database that it hears of
 */
export async function heardAll(by: TestNewsroom, teller = by): Promise<void> {
  const hear = vi.spyOn(by.newsroom.news.agenda, "add");
  const tomorrow = Date.now() + 86_400_000;
  await vi.waitFor(
    async () => {
      await teller.newsroom.database.$executeRaw`SELECT pg_notify('dateline', ${`moment ${tomorrow}`})`;
      expect(hear.mock.calls.flat()).toContain(tomorrow);
      expect(by.newsroom.live.isTrusted()).toBe(true);
    },
    { timeout: 5_000 },
  );
  hear.mockRestore();
}
