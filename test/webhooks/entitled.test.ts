import { beforeAll, describe, expect, it } from "vitest";
import { change, live, publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { makeTerms, partnerOf } from "../support/partners.ts";
import { type Hook, hookTo, receiver, until } from "./receiver.ts";

const newsroom = useNewsroom({ DATELINE_WEBHOOK_HOSTS: "127.0.0.1" });

beforeAll(() => makeTerms(newsroom, { sections: ["world", "sport", "culture"] }));

/** Waits until a webhook has been told of everything. */
const settled = (hook: Hook) =>
  until(async () => {
    const [caughtUp] = await newsroom.database.$queryRaw<unknown[]>`
      SELECT FROM webhooks w WHERE id = ${hook.id}::uuid AND walk_after IS NULL
        AND position = (SELECT max(sequence) FROM changes)
        AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'pending')`;
    return caughtUp !== undefined;
  });

async function hooked(entitlement: object, more: object = {}) {
  const there = await receiver();
  const partner = await partnerOf(newsroom, entitlement);
  const hook = await hookTo(newsroom, there.url, { keyId: partner.id, ...more });
  const told = () =>
    there.received.map(({ body }) => [
      body.type.slice("article.".length),
      body.data.articleId,
      body.data.slug,
    ]);
  return { ...partner, there, hook, told };
}

const again = async (id: string, patch: Record<string, unknown>) => {
  await change(newsroom, id, patch);
  return publish(newsroom, id);
};

describe("a webhook of a key with an entitlement", () => {
  it("is told of what enters and leaves it, and its deliveries show nothing else", async () => {
    const { hook, told, there } = await hooked({ sections: ["world"], content: "summary" });
    const moving = await live(newsroom, {
      headline: "Moving",
      slug: "moving",
      section: "world",
      body: [{ type: "paragraph", text: "The body" }],
    });
    await settled(hook);
    expect(there.received[0]?.body.data.article).toMatchObject({ headline: "Moving" });
    expect(there.received[0]?.body.data.article).not.toHaveProperty("body");
    await live(newsroom, { headline: "Elsewhere", section: "sport" });
    await again(moving.id, { section: "sport", slug: "moved-away" });
    await unpublish(newsroom, moving.id);
    await settled(hook);
    expect(told()).toEqual([
      ["published", moving.id, "moving"],
      ["withdrawn", moving.id, "moving"],
    ]);
    const { data } = (await newsroom.editor.get(`${hook.path}/deliveries`)).body;
    expect((data as { kind: string }[]).map(({ kind }) => kind)).toEqual(["withdrawn", "published"]);
  });

  it("is told anew how articles stand when that is changed: what it lost and what it gained, page by page", async () => {
    const lost = await live(newsroom, { headline: "Lost", section: "world" });
    const kept = await live(newsroom, { headline: "Kept", section: "sport" });
    const gained = await live(newsroom, { headline: "Gained", section: "culture" });
    const { hook, told, entitle } = await hooked({ sections: ["world", "sport"] });
    await entitle({ sections: ["sport", "culture"] });
    await settled(hook);
    expect(told()).toContainEqual(["withdrawn", lost.id, "lost"]);
    expect(told()).toContainEqual(["published", gained.id, "gained"]);
    expect(told().map(([, id]) => id)).not.toContain(kept.id);
    const before = told().length;
    await unpublish(newsroom, lost.id);
    await again(kept.id, { standfirst: "Still theirs" });
    await settled(hook);
    // What it had by the former entitlement is taken back once more, as the one way to be sure.
    // What is told of several articles is made in their order, and on its way at the same time.
    expect(told().length).toBe(before + 2);
    expect(new Set(told().slice(before))).toEqual(
      new Set([
        ["withdrawn", lost.id, "lost"],
        ["updated", kept.id, "kept"],
      ]),
    );
    const latest = (await newsroom.editor.get(`${hook.path}/deliveries?limit=2`)).body;
    expect((latest.data as { kind: string }[]).map(({ kind }) => kind)).toEqual(["updated", "withdrawn"]);
    const { data, page } = (await newsroom.editor.get(`${hook.path}/deliveries?limit=1&count=true`)).body;
    let [seen, next] = [data.length as number, page.next as string | null];
    while (next !== null) {
      const { body } = await newsroom.editor.get(`${hook.path}/deliveries?limit=1&cursor=${next}`);
      seen += body.data.length as number;
      next = body.page.next as string | null;
    }
    expect(seen).toBe(page.total);
    expect(seen).toBe(told().length);
  });

  it("is told anew when it is given to a key with another", async () => {
    const lost = await live(newsroom, { headline: "Of the former key", section: "world" });
    const gained = await live(newsroom, { headline: "Of the next key", section: "culture" });
    const { hook, told } = await hooked({ sections: ["world"] });
    const next = await partnerOf(newsroom, { sections: ["culture"] });
    await newsroom.editor.patch(hook.path).send({ keyId: next.id });
    await settled(hook);
    expect(told()).toContainEqual(["withdrawn", lost.id, "of-the-former-key"]);
    expect(told()).toContainEqual(["published", gained.id, "of-the-next-key"]);
  });

  it("sends nothing that waited and that it has no right to any more", async () => {
    const { hook, told, there, entitle } = await hooked({ sections: ["world"] });
    there.answerBy(() => ({ status: 503 }));
    const { id } = await live(newsroom, { headline: "Waiting", section: "world" });
    await until(() => there.received.length === 1);
    await entitle({ sections: ["sport"] });
    there.answerBy(() => ({ status: 204 }));
    await until(async () => {
      await newsroom.database.webhookDelivery.updateMany({
        where: { webhookId: hook.id, state: "pending" },
        data: { dueAt: new Date() },
      });
      return told().some(([kind, article]) => kind === "withdrawn" && article === id);
    });
    await settled(hook);
    const about = there.about(id).map(({ body }) => body.data);
    expect(about.slice(1).every(({ kind, article }) => kind === "withdrawn" && article === null)).toBe(true);
  });

  it("is off where JSON is not among its forms", async () => {
    const { hook, entitle, there } = await hooked({ formats: ["rss"] });
    expect((await newsroom.editor.get(hook.path)).body).toMatchObject({
      enabled: false,
      disabledReason: expect.stringContaining("JSON"),
    });
    const { id } = await live(newsroom, { headline: "When it may" });
    await entitle({ formats: ["rss", "json"] });
    await until(() => there.about(id).length === 1);
    await settled(hook);
    const [sent] = (await newsroom.editor.get(`${hook.path}/deliveries`)).body.data;
    const bodyOf = async () => (await newsroom.editor.get(`${hook.path}/deliveries/${sent.id}`)).body.body;
    expect(await bodyOf()).toContain("When it may");
    await entitle({ formats: ["rss"] });
    expect(await bodyOf()).toBe("");
  });
});
