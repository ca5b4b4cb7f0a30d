import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Agent, useNewsroom } from "../support/newsroom.ts";

const newsroom = useNewsroom();

interface Imported {
  headline: string;
  dateline: string | null;
  publishedAt: string | null;
  keyPoints: { text: string }[];
  relatedLinks: { id: string; kind: string; title: string; url: string | null }[];
  body: { type: string; text?: string; relatedLinkId?: string }[];
  shareCounts: Record<string, number>;
}

const sample = (name: string) => readFile(join(import.meta.dirname, "samples", `${name}.txt`));

function send(page: string | Buffer, agent: Agent = newsroom.editor, query = "") {
  return agent
    .post(`/v1/imports${query}`)
    .set("content-type", "text/plain; charset=utf-8")
    .send(page as string);
}

async function imported(page: string | Buffer): Promise<Imported> {
  const answer = await send(page);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body as Imported;
}

/** The body as it reads: paragraphs, and the titles of links at their places. */
function asRead(article: Imported): string[] {
  return article.body.map((block) => {
    const link = article.relatedLinks.find(({ id }) => id === block.relatedLinkId);
    return link === undefined ? (block.text ?? "") : `ALSO READ: ${link.title}`;
  });
}

describe("a whole news page", () => {
  it("becomes a draft with everything at its place", async () => {
    const page = (await sample("full")).toString();
    const answer = await send(page);
    expect(answer.status).toBe(201);
    const article = answer.body as Imported;
    expect(article).toMatchObject({
      status: "draft",
      headline: "Coastal Rail Line to Reopen in Stages After Two Years of Repairs",
      publishedAt: "2025-09-16T00:00:00.000Z",
      dateline: "PORTO ALTO, Portugal",
      shareCounts: { facebook: 0, whatsapp: 0, x: 0 },
    });
    expect(article.keyPoints).toHaveLength(6);
    expect(article.relatedLinks).toMatchObject([{ kind: "alsoRead", url: null }]);
    expect(answer.headers.location).toBe(`/v1/articles/${answer.body.id}`);
  });

  it("keeps every paragraph word for word and in order", async () => {
    const page = (await sample("full")).toString();
    const written = page
      .split("\n\n")
      .slice(page.split("\n\n").findIndex((part) => part.startsWith("PORTO ALTO")))
      .map((part) => part.trim().replace("\u00a0", " ").replace("PORTO ALTO, Portugal: ", ""))
      .filter((part) => !part.startsWith("icon-"));
    expect(asRead(await imported(page))).toEqual(written);
  });

  it("is published at once with publish=true, and readers get it", async () => {
    const answer = await send(
      "Pier lit again\n\nThu Apr 10 2025\n\nThe lamps work.",
      newsroom.editor,
      "?publish=true",
    );
    expect(answer.body).toMatchObject({
      status: "published",
      version: 1,
      publishedAt: "2025-04-10T00:00:00.000Z",
    });
    const read = await newsroom.reader.get(`/v1/articles/${answer.body.slug}`);
    expect(read.body).toMatchObject({
      headline: "Pier lit again",
      firstPublishedAt: "2025-04-10T00:00:00.000Z",
    });
  });

  it("is not published by a key that may only write, and then nothing is made", async () => {
    const writer = await newsroom.withScopes(["articles:write"]);
    const answer = await send("Never to be seen", writer, "?publish=true");
    expect(answer.status).toBe(403);
    const drafts = await newsroom.editor.get("/v1/articles?version=draft&limit=100");
    expect(JSON.stringify(drafts.body)).not.toContain("Never to be seen");
  });

  it("links ALSO READ to the article with that headline, once it is published", async () => {
    const page = "Tide tables\n\nThe tables changed.\n\nALSO READ: Why the ‘Moon’ Pulls\n";
    const waiting = await send(page, newsroom.editor, "?publish=true");
    expect(waiting.body.relatedLinks).toMatchObject([
      { title: "Why the ‘Moon’ Pulls", url: null, articleId: null },
    ]);
    const target = await send("Why the 'Moon' pulls\n\nIt is heavy.", newsroom.editor, "?publish=true");
    const read = await newsroom.reader.get(`/v1/articles/${waiting.body.id}`);
    expect(read.body.relatedLinks).toMatchObject([
      { articleId: target.body.id, title: "Why the 'Moon' pulls", url: `/a/${target.body.slug}` },
    ]);
  });
});

describe("parts that are missing", () => {
  it("leaves out key points that are not there", async () => {
    expect((await imported(await sample("no-key-points"))).keyPoints).toEqual([]);
  });

  it("leaves the date open when there is no date line", async () => {
    expect(await imported(await sample("no-date"))).toMatchObject({
      publishedAt: null,
      shareCounts: { facebook: 0, telegram: 0 },
    });
  });

  it("takes a headline alone", async () => {
    expect(await imported(await sample("headline-only"))).toMatchObject({
      body: [],
      keyPoints: [],
      relatedLinks: [],
    });
  });
});

describe("ALSO READ", () => {
  it("may stand several times, each at its own place", async () => {
    const article = await imported(await sample("several-also-reads"));
    expect(article.relatedLinks).toHaveLength(4);
    expect(article.body.map(({ type }) => type)).toEqual([
      "relatedLink",
      "paragraph",
      "relatedLink",
      "paragraph",
      "relatedLink",
      "paragraph",
      "relatedLink",
    ]);
    expect(article.dateline).toBe("UTRECHT, Netherlands");
  });
});

describe("dates", () => {
  it.each([
    ["Thu Apr 10 2025", "2025-04-10T00:00:00.000Z"],
    ["10 April 2025", "2025-04-10T00:00:00.000Z"],
    ["Thursday, 10 April 2025", "2025-04-10T00:00:00.000Z"],
    ["April 10, 2025", "2025-04-10T00:00:00.000Z"],
    ["April 10, 2025 2:30 PM", "2025-04-10T14:30:00.000Z"],
    ["10 April 2025, 14:30", "2025-04-10T14:30:00.000Z"],
    ["Published: Thursday, 10 April 2025, 16:45 +02:00", "2025-04-10T14:45:00.000Z"],
    ["2025-04-10", "2025-04-10T00:00:00.000Z"],
    ["2025-04-10T23:30:00-05:00", "2025-04-11T04:30:00.000Z"],
  ])("reads %s", async (line, moment) => {
    expect(await imported(`A headline\n\n${line}\n\nSome text.`)).toMatchObject({ publishedAt: moment });
  });

  it.each(["31 February 2025", "04/10/2025", "10 April", "Updated: 10 April 2025"])(
    "leaves %s in the text",
    async (line) => {
      const article = await imported(`A headline\n\n${line}\n\nSome text.`);
      expect(article.publishedAt).toBeNull();
      expect(asRead(article)).toEqual([line, "Some text."]);
    },
  );
});

describe("datelines", () => {
  it.each([
    ["ISTANBUL, Turkey: Boats sailed.", "ISTANBUL, Turkey", "Boats sailed."],
    ["SÃO PAULO, Brazil: Rain fell.", "SÃO PAULO, Brazil", "Rain fell."],
    ["WARNING: Wet floor.", null, "WARNING: Wet floor."],
    ["He said: go.", null, "He said: go."],
  ])("reads %s", async (paragraph, dateline, text) => {
    const article = await imported(`A headline\n\n${paragraph}`);
    expect(article.dateline).toBe(dateline);
    expect(asRead(article)).toEqual([text]);
  });
});

describe("how text is written down", () => {
  it("takes Windows line ends and a byte order mark as no part of the text", async () => {
    const article = await imported(await sample("windows-byte-order-mark"));
    expect(article).toMatchObject({
      headline: "Museum Puts Its Map Collection Online",
      publishedAt: "2025-06-11T00:00:00.000Z",
    });
    expect(JSON.stringify(article)).not.toMatch(/\\r|\ufeff/);
  });

  it("keeps right-to-left text with its quotes and marks", async () => {
    const page = (await sample("right-to-left")).toString().replaceAll("\u00a0", " ");
    const article = await imported(page);
    expect(article.keyPoints).toHaveLength(3);
    for (const text of asRead(article)) expect(page).toContain(text);
  });

  it("reads UTF-16 behind its byte order mark", async () => {
    const page = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from("Überschrift\n\nText", "utf16le")]);
    expect(await imported(page)).toMatchObject({ headline: "Überschrift" });
  });

  it("reads another charset that the request names", async () => {
    const answer = await newsroom.editor
      .post("/v1/imports")
      .set("content-type", "text/plain; charset=iso-8859-1")
      .send(Buffer.from("Fête au port", "latin1") as unknown as string);
    expect(answer.body.headline).toBe("Fête au port");
  });

  it("takes 5 MB of text whole", async () => {
    const paragraphs = Array.from(
      { length: 8000 },
      (_, number) => `${number} ${"a word and ".repeat(57)}end`,
    );
    const page = `A very long read\n\n${paragraphs.join("\n\n")}`;
    expect(page.length).toBeGreaterThan(5_000_000);
    expect(asRead(await imported(page))).toEqual(paragraphs);
  });
});

describe("what is no news page", () => {
  it.each([
    ["an empty file", ""],
    ["white space alone", " \n\t\n"],
    ["share icons alone", "icon-facebook icon-x\n"],
    ["a NUL", "Head\0line"],
    ["bytes that are no text", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0xff, 0xd8])],
    ["a headline past the limit", "long ".repeat(101)],
    ["a date in the future", "A headline\n\n2999-01-01\n"],
  ])("is refused: %s", async (_what, page) => {
    const before = await newsroom.database.article.count();
    const answer = await send(page);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].detail).toBeTypeOf("string");
    expect(await newsroom.database.article.count()).toBe(before);
  });

  it("is refused when nothing is sent at all", async () => {
    const answer = await newsroom.editor.post("/v1/imports");
    expect([answer.status, answer.body.errors]).toEqual([422, [expect.objectContaining({ pointer: "#" })]]);
  });

  it("is refused when it is sent as something else than text", async () => {
    const answer = await newsroom.editor.post("/v1/imports").send({ headline: "As JSON" });
    expect(answer.status).toBe(415);
  });

  it("is refused in a charset that nobody knows", async () => {
    const answer = await newsroom.editor
      .post("/v1/imports")
      .set("content-type", "text/plain; charset=klingon")
      .send("Qapla");
    expect(answer.status).toBe(415);
  });

  it("is refused past 8 MiB", async () => {
    const answer = await send(`Long\n\n${"x".repeat(8 * 1024 * 1024)}`);
    expect(answer.status).toBe(413);
  });
});
