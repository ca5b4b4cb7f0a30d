import { expect, it } from "vitest";
import { makeDraft } from "../support/drafts.ts";
import { useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

/** Words that compress no better than a language's, the same on each run. */
function writer(seed: number) {
  let state = seed;
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const letters = "etaoinshrdlucmfwypvbgk";
  const vocabulary = Array.from({ length: 3000 }, () =>
    Array.from({ length: 2 + next(8) }, () => letters[next(letters.length)]).join(""),
  );
  const words = (count: number) =>
    Array.from({ length: count }, () => vocabulary[next(vocabulary.length)]).join(" ");
  return { next, words };
}

/** How much the database keeps for revisions, in bytes: rows, what is stored beside them, and indexes. */
async function storedBytes(): Promise<number> {
  const [{ bytes }] = await newsroom.database.$queryRaw<
    [{ bytes: bigint }]
  >`SELECT pg_total_relation_size('revisions') AS bytes`;
  return Number(bytes);
}

const REVISIONS = 1000;

it("keeps a thousand revisions of an article of 10 kB in less than 2 MB", async () => {
  const { next, words } = writer(7);
  const paragraphs = Array.from({ length: 20 }, (_, index) => ({
    id: `p${index}`,
    type: "paragraph",
    text: words(74),
  }));
  expect(JSON.stringify(paragraphs).length).toBeGreaterThan(10_000);
  const before = await storedBytes();
  const draft = await makeDraft(newsroom.editor, { body: paragraphs });
  for (let revision = 2; revision <= REVISIONS; revision += 1) {
    // A sentence of some paragraph is written anew.
    const paragraph = paragraphs[next(paragraphs.length)];
    if (paragraph === undefined) throw new Error("there is no such paragraph");
    const sentences = paragraph.text.match(/(\S+ ?){1,12}/g) ?? [];
    sentences[next(sentences.length)] = `${words(12)} `;
    paragraph.text = sentences.join("").trim();
    const answer = await newsroom.editor.patch(draft.address).set("If-Match", "*").send({ body: paragraphs });
    expect(answer.status).toBe(200);
  }
  const bytes = (await storedBytes()) - before;
  const list = await newsroom.editor.get(`${draft.address}/revisions?limit=1&count=true`);
  expect(list.body.page.total).toBe(REVISIONS);
  expect(bytes).toBeLessThan(2_000_000);
  expect((await newsroom.editor.get(`${draft.address}/revisions/${REVISIONS}`)).body.article.body).toEqual(
    paragraphs,
  );
}, 180_000);
