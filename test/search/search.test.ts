import { beforeAll, describe, expect, it, vi } from "vitest";
import { type ShownArticle, change, draft, live, publish, unpublish } from "../support/articles.ts";
import { inMs, planned, until } from "../support/desk.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";

const newsroom = useNewsroom();

interface Hit {
  id: string;
  headline: string;
  highlight: string;
}

async function search(q: string, rest = "") {
  const answer = await newsroom.reader.get(`/v1/articles?q=${encodeURIComponent(q)}${rest}`);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body as { data: Hit[]; page: { next: string | null; total?: number } };
}

async function found(q: string, rest = ""): Promise<string[]> {
  return (await search(q, rest)).data.map(({ headline }) => headline);
}

const paragraph = (text: string) => [{ type: "paragraph", text }];

describe("a search", () => {
  it("ranks a word in the headline before standfirst, key points and body", async () => {
    await live(newsroom, { headline: "Weighed four", body: paragraph("A zeppelin was seen.") });
    await live(newsroom, { headline: "Weighed three", keyPoints: ["A zeppelin was seen"] });
    await live(newsroom, { headline: "Weighed two", standfirst: "A zeppelin was seen" });
    await live(newsroom, { headline: "Weighed one: a zeppelin was seen" });
    const order = ["Weighed one: a zeppelin was seen", "Weighed two", "Weighed three", "Weighed four"];
    expect(await found("zeppelin")).toEqual(order);
    expect(await found("zeppelin", "&sort=oldest")).toEqual(order.toReversed());
    expect(await found("zeppelin", "&sort=newest")).toEqual(order);
    expect(await found("zeppelin", "&sort=updated")).toEqual(order);
  });

  it("takes all words, quotes, minus and or as web searches do", async () => {
    await live(newsroom, { headline: "Herons nest in the old mill" });
    await live(newsroom, { headline: "Old herons leave the nest" });
    await live(newsroom, { headline: "Kingfishers return" });
    expect((await found("herons nest")).toSorted()).toEqual([
      "Herons nest in the old mill",
      "Old herons leave the nest",
    ]);
    expect(await found('"old mill" herons')).toEqual(["Herons nest in the old mill"]);
    expect(await found("“herons nest”")).toEqual(["Herons nest in the old mill"]);
    expect(await found("herons -mill")).toEqual(["Old herons leave the nest"]);
    expect(await found('herons -"old mill"')).toEqual(["Old herons leave the nest"]);
    expect(await found('"mill old" herons')).toEqual([]);
    expect(await found('"herons nest" mill -kingfishers')).toEqual(["Herons nest in the old mill"]);
    expect((await found('"old herons" or "old mill"')).toSorted()).toEqual([
      "Herons nest in the old mill",
      "Old herons leave the nest",
    ]);
    expect((await found('"nest old herons" or kingfishers')).toSorted()).toEqual(["Kingfishers return"]);
    expect((await found("mill or kingfishers")).toSorted()).toEqual([
      "Herons nest in the old mill",
      "Kingfishers return",
    ]);
  });

  it("finds other forms of a word in the article's language", async () => {
    await live(newsroom, { headline: "Negotiating teams", language: "en-GB" });
    await live(newsroom, { headline: "Les négociations reprennent", language: "fr" });
    await live(newsroom, { headline: "Mazungumzo yanaendelea", language: "sw" });
    expect(await found("negotiated")).toContain("Negotiating teams");
    expect(await found("négociation", "&language=fr")).toEqual(["Les négociations reprennent"]);
    expect(await found("mazungumzo")).toEqual(["Mazungumzo yanaendelea"]);
  });

  it("completes the last word, unless it is quoted or excluded", async () => {
    await live(newsroom, { headline: "Observatory opens" });
    expect(await found("opens observ")).toEqual(["Observatory opens"]);
    expect(await found("observ opens")).not.toEqual([]);
    expect(await found('"observ"')).toEqual([]);
    expect(await found("observatory -ope")).toEqual(["Observatory opens"]);
  });

  it("completes a word whose stem is shorter than what was typed", async () => {
    await live(newsroom, { headline: "Political life" });
    await live(newsroom, { headline: "Politicasters gather" });
    expect((await found("politica")).toSorted()).toEqual(["Political life", "Politicasters gather"]);
  });

  it("completes of a word that punctuation parts the last part alone", async () => {
    await live(newsroom, { headline: "Although Wexford left" });
    await live(newsroom, { headline: "The al-Wexfordi family" });
    expect(await found("al-wexford")).toEqual(["The al-Wexfordi family"]);
  });

  it("completes beginnings with digits, and those of more words than are counted", async () => {
    await live(newsroom, { headline: "Route b52x closed" });
    expect(await found("closed b52")).toEqual(["Route b52x closed"]);
    const long = `Kvant${"o".repeat(60)}`;
    for (const headline of ["Kvant review", "Kvant15 review", long]) await live(newsroom, { headline });
    expect((await found("kvant")).toSorted()).toEqual(["Kvant review", "Kvant15 review", long].toSorted());
    const words = Array.from(
      { length: 60 },
      (_, index) => `zyg${"abcdefghij"[index % 10]}${"klmnop"[Math.floor(index / 10)]}`,
    );
    await live(newsroom, { headline: "Zygotes", standfirst: words.join(" ") });
    await live(newsroom, { headline: "Zygmunt" });
    expect(await found("zyg")).toEqual(expect.arrayContaining(["Zygotes", "Zygmunt"]));
  });

  it("ranks matches of many years together", async () => {
    for (const year of [2024, 2019, 1999, 1872])
      await live(newsroom, {
        headline: year === 1999 ? "Platypus, platypus" : `Platypus of ${year}`,
        publishedAt: `${year}-01-01T00:00:00Z`,
      });
    expect(await found("platypus")).toEqual([
      "Platypus, platypus",
      "Platypus of 2024",
      "Platypus of 2019",
      "Platypus of 1872",
    ]);
    expect(
      await found("platypus", "&publishedAfter=1999-01-01T00:00:00Z&publishedBefore=2024-01-01"),
    ).toEqual(["Platypus of 2019"]);
  });

  it.each([
    ["erdogan", "Erdoğan’s visit"],
    ["ERDOĞAN's visit", "Erdoğan’s visit"],
    ["cafe", "A café reopens"],
    ["Café", "A café reopens"],
    ["новости", "Новости дня"],
    ["東京", "新しい東京の駅"],
    ["القاهرة", "زيارة القاهِرة"],
    ["½", "Tax cut by ½"],
    ["well-known", "A well-known face"],
    ["example.org", "Mail from desk@example.org"],
    ["Lodz", "Storm hits Łódź"],
    ["łódź", "STORM HITS ŁÓDŹ"],
    ["Da Nang", "Đà Nẵng in the rain"],
    ["kıyı", "SAHİLDE KIYI TEMİZLİĞİ", "tr"],
    ["KIYI", "Kıyı şeridi", "tr"],
    ["STRASSE", "Die Straße ist gesperrt", "de"],
    ["strasse", "DIE STRASSE IST GESPERRT", "de"],
    ["Smorrebrod", "Smørrebrød for all", "da"],
    ["Donaudampfschiff", "Das Donau\u00ADdampf\u00ADschiff", "de"],
    ["پاكستان", "پاکستان کی خبریں", "ur"],
    ["پاکستان", "أخبار پاكستان", "ar"],
  ])("for %s finds %s, whatever the case, accents and quotes", async (q, headline, known?: string) => {
    const language = known ?? (/[а-я]/i.test(headline) ? "ru" : /[ا-ي]/.test(headline) ? "ar" : "en");
    await live(newsroom, { headline, language });
    expect(await found(q)).toContain(headline);
  });

  it("tries words that are spelt alike when nothing matches", async () => {
    await live(newsroom, { headline: "Talks conclude in Istanbul", standfirst: "The bosphorus ferry" });
    const { data, page } = await search("Istambul bosforus", "&count=true");
    expect(data.map(({ headline }) => headline)).toEqual(["Talks conclude in Istanbul"]);
    expect(data[0]?.highlight).toContain("<mark>bosphorus</mark>");
    expect(page.total).toBe(1);
    expect(await found('"Istambul"')).toEqual([]);
  });

  it("does without pg_trgm, but for words that are spelt alike", async () => {
    await live(newsroom, { headline: "Universities merge" });
    await newsroom.database.$executeRaw`ALTER INDEX search_words_alike RENAME TO put_aside`;
    try {
      expect(await found("univercities")).toEqual([]);
      expect(await found("universiti")).toEqual(["Universities merge"]);
    } finally {
      await newsroom.database.$executeRaw`ALTER INDEX put_aside RENAME TO search_words_alike`;
    }
    expect(await found("univercities merge")).toEqual(["Universities merge"]);
  });

  it("sees what readers see, never a draft's word", async () => {
    const { id } = await live(newsroom, { headline: "Quokka counted" });
    await draft(newsroom, { headline: "Quokka unseen" });
    await change(newsroom, id, { headline: "Wombat counted" });
    expect([await found("quokka"), await found("wombat")]).toEqual([["Quokka counted"], []]);
    await publish(newsroom, id);
    expect([await found("quokka"), await found("wombat")]).toEqual([[], ["Wombat counted"]]);
    await unpublish(newsroom, id);
    expect(await found("wombat")).toEqual([]);
    await publish(newsroom, id);
    expect(await found("wombat")).toEqual(["Wombat counted"]);
    await newsroom.editor.delete(`/v1/articles/${id}`).set("If-Match", "*");
    expect(await found("wombat")).toEqual([]);
  });

  it("does not tell by other spellings which words are still to be published", async () => {
    await live(newsroom, { headline: "Resignations expected" });
    const { id } = await draft(newsroom, { headline: "Resignatory signs", body: paragraph("Resignaled.") });
    const asked = async () => [await found("resignatory"), await found("resignaled")];
    const before = await asked();
    expect(before).toEqual([["Resignations expected"], ["Resignations expected"]]);
    const { version } = await planned(newsroom, id, { at: inMs(3_600_000) });
    expect(version).toBe(0);
    expect(await asked()).toEqual(before);
    await newsroom.editor.post(`/v1/articles/${id}/cancel`);
    expect(await asked()).toEqual(before);
    const at = inMs(700);
    await planned(newsroom, id, { at });
    await until(at);
    await vi.waitFor(async () => expect(await found("resignato")).toEqual(["Resignatory signs"]));
    expect(await found("resignatory")).toEqual(["Resignatory signs"]);
  });

  it("indexes anew what a migration asks it to", async () => {
    const { fillSearch } = await import("../../src/search/fill.ts");
    await live(newsroom, { headline: "Capybara on the loose" });
    await newsroom.database.$executeRaw`UPDATE search_entries SET vector = NULL, config = 'simple'`;
    await newsroom.database.$executeRaw`INSERT INTO search_backlog SELECT article_id FROM search_entries`;
    expect(await found("capybara", "&sort=newest")).toEqual([]);
    expect(await fillSearch(newsroom.database)).toBeGreaterThan(1);
    expect(await found("capybaras")).toEqual(["Capybara on the loose"]);
    expect(await fillSearch(newsroom.database)).toBe(0);
  });

  it("does not tell a partner by other spellings which words are in what it is not entitled to", async () => {
    await live(newsroom, { headline: "Kumquatish parade", section: { name: "Orchards" } });
    const made = await newsroom.editor
      .post("/v1/keys")
      .send({ name: "Orchardist", role: "partner", entitlement: { sections: ["orchards"] } });
    const partner = newsroom.withHeaders({ authorization: `Bearer ${made.body.secret}` });
    const told = async () => {
      const { body } = await partner.get("/v1/articles?q=kumquati%20parade&count=true&fields=headline");
      return body as unknown;
    };
    const before = await told();
    expect(before).toMatchObject({ data: [{ headline: "Kumquatish parade" }], page: { total: 1 } });
    await live(newsroom, { headline: "Kumquati", section: { name: "Elsewhere" } });
    expect(await told()).toEqual(before);
  });

  it("has the newest words of what is published while all is indexed anew", async () => {
    const { fillSearch } = await import("../../src/search/fill.ts");
    const { id } = await live(newsroom, { headline: "Numbat number 0" });
    for (let number = 1; number <= 10; number += 1) {
      await newsroom.database.$executeRaw`INSERT INTO search_backlog SELECT article_id FROM search_entries`;
      await change(newsroom, id, { headline: `Numbat number ${number}` });
      await Promise.all([
        fillSearch(newsroom.database),
        publish(newsroom, id),
        fillSearch(newsroom.database),
      ]);
      expect(await found(`numbat ${number} -${number - 1}`)).toEqual([`Numbat number ${number}`]);
    }
  });

  it("copes with an article whose text fills the request", async () => {
    let number = 0;
    const block = () => ({
      type: "paragraph",
      text: Array.from({ length: 9000 }, () => (46_656 + number++ * 7).toString(36)).join(" "),
    });
    const { id } = await live(newsroom, {
      headline: "Axolotl atlas",
      body: Array.from({ length: 12 }, block),
    });
    expect((await search("axolotl")).data.map((hit) => hit.id)).toEqual([id]);
    await unpublish(newsroom, id);
  });
});

describe("a highlight", () => {
  it("marks hits in the original text, which is escaped", async () => {
    await live(newsroom, {
      headline: "Marked",
      body: paragraph("He said: “the <b>Gürkan</b>’s barometers & dials” aren't here."),
    });
    const [hit] = (await search("gurkan barometer")).data;
    expect(hit?.highlight).toBe(
      "He said: “the &lt;b&gt;<mark>Gürkan</mark>&lt;/b&gt;’s <mark>barometers</mark> &amp; dials” aren&#39;t here.",
    );
  });

  it("is a window around the hits of a long text", async () => {
    const filler = Array.from({ length: 200 }, (_, index) => `filler${index}`).join(" ");
    await live(newsroom, { headline: "Windowed", body: paragraph(`${filler} the marmot slept ${filler}`) });
    const [hit] = (await search("marmots")).data;
    expect(hit?.highlight).toMatch(/^…filler\d+ .*the <mark>marmot<\/mark> slept .*filler\d+…$/);
    expect(hit?.highlight.split(" ")).toHaveLength(30);
  });

  it("never parts a sign or a word, however long the text", async () => {
    const upTo = (end: number, word: string) =>
      `${"ab ".repeat(6_600)}${word} ${"!".repeat(end)}`.slice(0, end);
    for (const [word, rest] of [
      ["hoatzin", "\u{1F600} and the rest goes on"],
      ["tarsier", `${"x".repeat(200)} and the rest goes on`],
    ] as const) {
      await live(newsroom, { headline: "At length", body: paragraph(upTo(19_999, word) + rest) });
      const [hit] = (await search(word)).data;
      expect(hit?.highlight).toMatch(new RegExp(`^….*<mark>${word}</mark>.*…$`));
      expect(hit?.highlight.isWellFormed()).toBe(true);
      expect(hit?.highlight).not.toContain("x");
    }
  });

  it("can be chosen among the fields, and comes only with a search", async () => {
    await live(newsroom, { headline: "Chosen pangolin" });
    const chosen = await search("pangolin", "&fields=highlight");
    expect(Object.keys(chosen.data[0] ?? {}).toSorted()).toEqual(["highlight", "id"]);
    const without = await search("pangolin", "&fields=headline");
    expect(Object.keys(without.data[0] ?? {}).toSorted()).toEqual(["headline", "id"]);
    const { body } = await newsroom.reader.get("/v1/articles?limit=1");
    expect(body.data[0]).not.toHaveProperty("highlight");
  });
});

describe("a search with filters", () => {
  const made: ShownArticle[] = [];

  beforeAll(async () => {
    for (let index = 0; index < 12; index += 1) {
      made.push(
        await live(newsroom, {
          headline: `Regatta ${index % 4 === 0 ? "regatta " : ""}number ${index}`,
          publishedAt: `2021-05-${String(1 + Math.floor(index / 3)).padStart(2, "0")}T12:00:00Z`,
          language: index % 2 === 0 ? "en" : "sw",
          section: { name: index < 6 ? "Sailing" : "Rowing" },
          tags: [{ name: index % 3 === 0 ? "Third" : "Other" }],
          authors: index === 7 ? [{ name: "Ines Prado" }] : [],
        }),
      );
    }
  });

  it.each([
    ["section=sailing", (index: number) => index < 6],
    ["tag=third&section=rowing", (index: number) => index % 3 === 0 && index >= 6],
    ["author=ines-prado", (index: number) => index === 7],
    ["language=sw", (index: number) => index % 2 === 1],
    ["publishedAfter=2021-05-02&publishedBefore=2021-05-04", (index: number) => index >= 3 && index < 9],
    ["updatedAfter=2100-01-01", () => false],
  ])("combines with %s and counts", async (filter, fits) => {
    const wanted = made.filter((_, index) => fits(index)).map(({ id }) => id);
    const { data, page } = await search("regatta", `&${filter}&count=true`);
    expect(data.map(({ id }) => id).toSorted()).toEqual(wanted.toSorted());
    expect(page.total).toBe(wanted.length);
  });

  it.each(["relevance", "newest", "oldest", "updated"])(
    "sorted by %s pages without skipping or repeating while articles come and go",
    async (sort) => {
      const whole = (await search("regatta", `&sort=${sort}&publishedBefore=2022-01-01`)).data;
      expect(whole).toHaveLength(12);
      for (const limit of [1, 2, 5]) {
        const ids: string[] = [];
        let cursor = "";
        do {
          const { data, page } = await search(
            "regatta",
            `&sort=${sort}&publishedBefore=2022-01-01&limit=${limit}${cursor}`,
          );
          ids.push(...data.map(({ id }) => id));
          const other = await live(newsroom, { headline: "Another thing" });
          await unpublish(newsroom, other.id);
          cursor = page.next === null ? "" : `&cursor=${page.next}`;
        } while (cursor !== "");
        expect(ids).toEqual(whole.map(({ id }) => id));
      }
    },
  );

  it("keeps to similar words on later pages", async () => {
    const first = await search("regata", "&limit=7");
    const second = await search("regata", `&limit=7&cursor=${first.page.next}`);
    expect(new Set([...first.data, ...second.data].map(({ id }) => id)).size).toBe(12);
    expect([second.data.length, second.page.next]).toEqual([5, null]);
    const wrong = await newsroom.reader.get(`/v1/articles?q=regatta&limit=7&cursor=${first.page.next}`);
    expectProblem(wrong, 400, "invalid-parameter");
  });
});

describe("the pages of a search", () => {
  const ids = async (q: string, meanwhile: () => Promise<unknown>) => {
    const first = await search(q, "&limit=3");
    await meanwhile();
    const second = await search(q, `&limit=3&cursor=${first.page.next}`);
    expect(second.page.next).toBeNull();
    return [...first.data, ...second.data].map(({ id }) => id);
  };
  const five = async (headline: string) => {
    const made: string[] = [];
    for (let number = 0; number < 5; number += 1)
      made.push((await live(newsroom, { headline, standfirst: "and ".repeat(number) + "so on" })).id);
    return made.toSorted();
  };

  it("go on with the spellings of the first when what was asked for is published meanwhile", async () => {
    const made = await five("Galvanised turbines");
    const seen = await ids("galvanizd turbines", () => live(newsroom, { headline: "Galvanizd turbines" }));
    expect(seen.toSorted()).toEqual(made);
  });

  it("go on with the completions of the first when others are published meanwhile", async () => {
    const made = await five("Quetzals seen");
    const seen = await ids("quetz", async () => {
      for (const end of ["alcoatl", "ing", "ed"]) await live(newsroom, { headline: `Quetz${end} unheard` });
    });
    expect(seen.toSorted()).toEqual(made);
  });
});

describe("a search that cannot be", () => {
  it.each([
    ["empty", ""],
    ["blank", "   "],
    ["of 501 characters", "a".repeat(501)],
    ["of 10,000 characters", "word ".repeat(2000)],
    ["of operators alone", '-- "" & | ! ( ) :* <->'],
    ["of an excluded word alone", "-talks"],
    ["of an alternative that only excludes", "talks or -weather"],
    ["that grows too long when written out", "ﬃ".repeat(400)],
  ])("%s is refused with 400 naming q", async (_, q) => {
    const answer = await newsroom.reader.get(`/v1/articles?q=${encodeURIComponent(q)}`);
    const { errors } = expectProblem(answer, 400, "invalid-parameter");
    expect(errors?.[0]?.pointer).toBe("q");
  });

  it.each([
    ["sort", "sort=relevance"],
    ["q", "q=talks&ids=0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e"],
  ])("names %s for %s", async (pointer, query) => {
    const answer = await newsroom.reader.get(`/v1/articles?${query}`);
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe(pointer);
  });

  it("goes on working copies is refused", async () => {
    const answer = await newsroom.editor.get("/v1/articles?version=draft&q=talks");
    expect(expectProblem(answer, 400, "invalid-parameter").errors?.[0]?.pointer).toBe("q");
  });

  it.each(["the", "the of and", '"the of"', "the -talks", "or", "nothingeverhadthis", "a".repeat(500)])(
    "for %s finds nothing",
    async (q) => {
      expect(await search(q, "&count=true&language=en")).toEqual({
        data: [],
        page: { limit: 20, next: null, total: 0 },
      });
    },
  );

  it.each([
    "a' b",
    "a\\' & 'b",
    "a:*",
    "a <-> b",
    "(a | b",
    "%_ a",
    "'; DROP TABLE articles; --",
    "\u{1F600} smile",
    "𝒳".repeat(500),
    Array.from({ length: 250 }, (_, index) => (index % 36).toString(36)).join(" "),
  ])("no text breaks: %s", async (q) => {
    await search(q);
    await search(q, "&sort=updated&count=true");
  });
});
