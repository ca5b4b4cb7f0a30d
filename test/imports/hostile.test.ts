import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Body, withBlockIds } from "../../src/articles/body.ts";
import { htmlContent } from "../../src/imports/reading/html.ts";
import { htmlText } from "../../src/imports/reading/htmlText.ts";
import { withoutShortcodes } from "../../src/imports/reading/shortcodes.ts";
import { freshDatabase } from "../support/database.ts";
import { startNewsroom, useNewsroom } from "../support/newsroom.ts";
import { expectProblem } from "../support/problems.ts";
import { copyOf, imported, post, send, wxr } from "./files.ts";

const newsroom = useNewsroom();

/** What is stored of articles, to see that nothing was kept. */
async function kept() {
  const { database } = newsroom;
  const [articles, items, tags, slugs] = await Promise.all([
    database.article.count(),
    database.importedItem.count(),
    database.tag.count(),
    database.slug.count(),
  ]);
  return { articles, items, tags, slugs };
}

async function refused(file: string | Buffer, detail: RegExp, type = "application/xml") {
  const before = await kept();
  const answer = await send(newsroom, file, "", type);
  expectProblem(answer, 422, "import-failed");
  expect(answer.body.detail).toMatch(detail);
  expect(await kept()).toEqual(before);
}

const good = post(
  1,
  { title: "A good one" },
  '<category domain="post_tag" nicename="kept"><![CDATA[Kept]]></category>',
);

describe("hostile XML", () => {
  it("is refused when it declares entities that grow, or that name other files", async () => {
    const bomb = `<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`;
    await refused(
      wxr(good, post(2, { title: "]]>&c;<![CDATA[" })).replace("?>", `?>${bomb}`),
      /declares a document type at line 1/,
    );
    const outside = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>';
    await refused(
      wxr(good, post(2, { title: "]]>&x;<![CDATA[" })).replace("?>", `?>${outside}`),
      /declares a document type/,
    );
    await refused(
      wxr(good, post(2, { title: "]]>&nbsp;<![CDATA[" })),
      /not well-formed XML at line \d+, column \d+: undefined entity/i,
    );
  });

  it("is refused when its elements, or those of its HTML, lie too deep in each other", async () => {
    await refused(wxr(good, `<item>${"<a>".repeat(100_000)}`), /more than 200 deep/);
    await refused(
      wxr(good, post(2, { content: "<div>".repeat(100_000) })),
      /HTML whose elements lie more than 500 deep/,
    );
  });

  it("is refused when a title has a million characters", async () => {
    await refused(wxr(good, post(2, { title: "x".repeat(1_000_000) })), /title.* of 1000000 characters/);
    await refused(wxr(good, post(2, { title: `<b>${"x".repeat(1_000_000)}</b>` })), /of 1000007 characters/);
  });

  it("is refused when it is cut off, wherever that is", async () => {
    const file = wxr(good, post(2, { title: "Second", content: "<p>Words</p>" }));
    const ends = Array.from({ length: 12 }, (_, index) => Math.floor((file.length * (index + 8)) / 21));
    for (const end of ends) await refused(file.slice(0, end), /not well-formed XML/);
  });

  it("is refused when it is not text in the encoding that it has", async () => {
    await refused(Buffer.from(wxr(good, post(2, { title: "Brücke" })), "latin1"), /not text in utf-8/);
    await refused(
      wxr(good).replace('encoding="UTF-8"', 'encoding="x-nothing"'),
      /x-nothing, which is not known/,
    );
  });

  it("is refused when a piece of it is longer than anything", async () => {
    await refused(
      wxr(good, post(2, { content: "x".repeat(17 * 1024 * 1024) })),
      /longer than 16777216 characters/,
    );
    await refused(
      `${wxr(good).split("</channel>")[0]}<!-- ${"x".repeat(17 * 1024 * 1024)}`,
      /longer than 16777216 characters/,
    );
  });

  it("is refused when it is another version, or no channel", async () => {
    await refused(wxr(good).replace("<wp:wxr_version>1.2", "<wp:wxr_version>abc"), /WXR abc/);
    await refused(
      wxr(good).replaceAll("channel>", "chanel>"),
      /<chanel> at line \d+.* where RSS has <channel>/,
    );
  });
});

describe("hostile JSON", () => {
  const json = (file: unknown) =>
    refused(typeof file === "string" ? file : JSON.stringify(file), /./, "application/json");
  const item = { uri: "urn:x:1", type: "text", headlines: [{ value: "Good" }], bodies: [] };

  it("is refused when it is cut off, or no JSON", async () => {
    const text = JSON.stringify([item, { ...item, uri: "urn:x:2" }]);
    for (const end of [30, text.length - 40, text.length - 1]) await json(text.slice(0, end));
    await json(`${JSON.stringify(item)}\n{"uri": nope}`);
    await json(`{"db":[{"data":{"posts":[{"id":"1","title":"Cut","html":"<p>x</p>"},`);
  });

  it("is refused when it lies too deep, or a title is too long", async () => {
    await json(`{"uri":"urn:x:3","type":"text","bodies":${"[".repeat(100_000)}`);
    await json({ ...item, headlines: [{ value: "x".repeat(1_000_000) }] });
    const node = (depth: number): object => (depth === 0 ? {} : { type: "x", children: [node(depth - 1)] });
    await json({ posts: [{ id: "1", title: "Deep", lexical: JSON.stringify({ root: node(1000) }) }] });
  });

  it("makes no properties of names that objects have anyway, and refuses NUL by item", async () => {
    const file = `[{"uri":"urn:x:4","type":"text","__proto__":{"headlines":[{"value":"Evil"}]},"bodies":[]},
      {"uri":"urn:x:5\\u0000","type":"text","headlines":[{"value":"N\\u0000L"}],"bodies":[]}]`;
    const answer = await send(newsroom, file, "", "application/json");
    expectProblem(answer, 422, "import-failed");
    expect(answer.body.report).toMatchObject({ created: 0, left: 1, failed: 1 });
    expect(answer.body.report.failures[0].reason).toMatch(/#\/headline must not contain NUL/);
  });
});

describe("what cannot be imported of a file that is whole", () => {
  it("is left out and told of, and the rest is imported", async () => {
    const file = wxr(
      post(21, { title: "Fine", name: "fine" }),
      post(22, { title: "T".repeat(501) }),
      post(23, { title: "Long", content: `<p>${"word ".repeat(30_000)}</p>` }),
      post(24, { title: "", name: "untitled" }),
    );
    const report = await imported(newsroom, file);
    expect(report).toMatchObject({ created: 1, failed: 2, left: 1 });
    expect(report.failures.map(({ reason }) => reason)).toEqual([
      "#/headline must have at most 500 characters",
      "#/body/0/text must have at most 100000 characters",
    ]);
    expect(report.remarks).toMatchObject([{ reason: "has no title" }]);
    expect(await copyOf(newsroom, "fine")).toMatchObject({ headline: "Fine" });
  });

  it("is what a file of no known kind is, and that is 415", async () => {
    for (const file of ['{"hello":"world"}', "[]", "42", "<html><p>Hi</p></html>", ""])
      expectProblem(await send(newsroom, file || " ", "", "application/json"), 415, "unsupported-media-type");
  });
});

describe("HTML of any kind", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "<p>",
      "</p>",
      "<b>",
      "</b>",
      "<i>",
      "<a href='https://x.example/'>",
      "</a>",
      "<ul>",
      "</ul>",
      "<ol>",
      "<li>",
      "</li>",
      "<figure>",
      "</figure>",
      "<figcaption>",
      "</figcaption>",
      "<img src='https://x.example/a.jpg'>",
      "<blockquote>",
      "</blockquote>",
      "<cite>",
      "</cite>",
      "<h2>Key points</h2>",
      "<h3>",
      "</h3>",
      "<table>",
      "<tr>",
      "<td>",
      "</td>",
      "</table>",
      "<pre>",
      "</pre>",
      "<br>",
      "<hr>",
      "<iframe src='https://x.example/v'></iframe>",
      "<script>",
      "</script>",
      "[caption]",
      "[/caption]",
      "\n\n",
      " ",
      "&amp;",
      "&nbsp;",
      "ALSO READ: x",
      "<!-- wp:x /-->",
      "<section class='key-points'>",
      "</section>",
      "<p class='also-read'>",
    ),
    fc.string({ unit: "grapheme", maxLength: 8 }),
  );

  it("becomes blocks that can be stored, and never more words than there were", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (pieces, hasLines) => {
        const { html } = withoutShortcodes(pieces.join(""));
        const { body, relatedLinks } = htmlContent(html, { hasLines });
        const blocks = body.map((block) =>
          block.type === "relatedLink"
            ? { type: block.type, relatedLinkId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e" }
            : block,
        );
        const checked = Body.safeParse(blocks);
        expect(checked.error?.issues ?? []).toEqual([]);
        expect(withBlockIds(checked.data ?? [])).toHaveLength(body.length);
        for (const block of body)
          if (block.type === "relatedLink") expect(relatedLinks[block.link]).toBeDefined();
        htmlText(html);
      }),
      { numRuns: 500 },
    );
  });

  it("is read in time that grows with its length, however it is made", () => {
    const hostile = [
      "[a ",
      "[caption]",
      "<b>x</b>",
      "<p>",
      "x<br>",
      "</p>",
      "<li>",
      "&amp",
      "<!--",
      "<a href=x>",
      "\n\n x",
      "] [",
      "<img src=y>",
    ];
    const begun = performance.now();
    for (const one of hostile) {
      const text = one.repeat(Math.floor(300_000 / one.length));
      try {
        htmlContent(withoutShortcodes(text).html, { hasLines: true });
      } catch (error) {
        expect(String(error)).toMatch(/deep in each other/);
      }
    }
    expect(performance.now() - begun).toBeLessThan(15_000);
  });
});

describe("an import that is broken off", () => {
  it("keeps the articles that it has written, and goes on from there when it is repeated", async () => {
    const fresh = await freshDatabase();
    const { found, close } = await startNewsroom(fresh.url);
    try {
      const file = wxr(
        ...Array.from({ length: 50 }, (_, index) => post(index + 1, { title: `Part ${index + 1}` })),
      );
      const { fileIn } = await import("../../src/imports/file.ts");
      const options = {
        publish: false,
        dryRun: false,
        actor: { id: null, name: "x" },
        note: async () => {},
        noteFile: async () => {},
      };
      const pieces = async function* () {
        yield Buffer.from(file);
      };
      const onProgress = ({ phase, done }: { phase: string; done: number }) => {
        if (phase === "writing" && done === 20) throw new Error("broken off");
      };
      const half = await fileIn(pieces(), { isPage: false, onProgress });
      if (Buffer.isBuffer(half)) throw new Error("it is no page");
      await expect(half.run(found.newsroom, options)).rejects.toThrow("broken off");
      expect(await found.database.article.count()).toBe(20);
      expect(await imported(found, file)).toMatchObject({
        created: 30,
        unchanged: 20,
        updated: 0,
        failed: 0,
      });
    } finally {
      await close();
      await fresh.drop();
    }
  });
});
