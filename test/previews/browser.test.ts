import { AxeBuilder } from "@axe-core/playwright";
import { beforeAll, describe, expect, it } from "vitest";
import { lacksBrowser, schemes, sizes, useBrowser, widthOf } from "../support/browser.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { previewOf, sample, sampleInUrdu } from "./samples.ts";

const newsroom = useNewsroom({ DATELINE_ARTICLE_URL: "https://news.example/{slug}" });

describe.skipIf(lacksBrowser)("the page of a preview in a browser", () => {
  const open = useBrowser();
  const addresses: Record<string, string> = {};

  beforeAll(async () => {
    const long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3);
    addresses.english = (await sample(newsroom)).url;
    addresses.urdu = (await sampleInUrdu(newsroom)).url;
    addresses.long = (
      await previewOf(newsroom, {
        headline: long,
        standfirst: long,
        dateline: long.slice(0, 200),
        section: { name: long.slice(0, 200) },
        tags: [{ name: long.slice(0, 200) }],
        authors: [{ name: long.slice(0, 200) }],
        keyPoints: [long],
        relatedLinks: [{ kind: "source", title: long }],
        body: [
          { type: "paragraph", text: long, marks: [{ type: "code", start: 0, end: 200 }] },
          { type: "heading", text: long },
          { type: "quote", text: long, attribution: long },
          { type: "list", items: [long] },
          { type: "image", url: "https://images.example/wide.svg", caption: long, credit: long },
          { type: "embed", url: `https://example.com/${"a".repeat(1000)}` },
        ],
      })
    ).url;
  });
  it("asks for nothing elsewhere but the article's images, and has nothing to complain of", async () => {
    await open(addresses.english ?? "", { viewport: sizes.desktop }, async ({ page, asked, said }) => {
      // Images below are asked for when one comes near.
      await page.evaluate("window.scrollTo(0, document.body.scrollHeight)");
      await page.waitForLoadState("networkidle");
      const elsewhere = asked.filter(
        (url) => !url.startsWith(`${newsroom.url}/`) && !url.startsWith("data:"),
      );
      expect(elsewhere).toEqual(["https://images.example/harbour.svg"]);
      expect(asked.filter((url) => url.startsWith(newsroom.url)).map((url) => new URL(url).pathname)).toEqual(
        [expect.stringMatching(/^\/preview\//), expect.stringMatching(/^\/styles\//)],
      );
      expect(said).toEqual([]);
    });
  });

  it("is set in our type, with the text in a column that can be read", async () => {
    await open(addresses.english ?? "", { viewport: sizes.desktop }, async ({ page }) => {
      const column = await page.locator(".body > p").first().boundingBox();
      expect(column?.width).toBeGreaterThan(500);
      expect(column?.width).toBeLessThan(720);
      const weight = "getComputedStyle(document.querySelector('.dateline')).fontWeight";
      expect(await page.evaluate(weight)).toBe("700");
    });
  });

  it("runs from the right in Urdu", async () => {
    await open(addresses.urdu ?? "", { viewport: sizes.desktop }, async ({ page }) => {
      const [heading, share] = [page.locator("h1"), page.locator(".share a")];
      const style = "getComputedStyle(document.querySelector('h1')).direction";
      expect(await page.evaluate(style)).toBe("rtl");
      expect(await heading.isVisible()).toBe(true);
      const [first, last] = [await share.first().boundingBox(), await share.last().boundingBox()];
      expect(first?.x).toBeGreaterThan(last?.x ?? Infinity);
    });
  });

  it.for(["english", "urdu", "long"])("needs no scrolling sideways at 320 pixels: %s", async (name) => {
    await open(addresses[name] ?? "", { viewport: { width: 320, height: 640 } }, async ({ page }) => {
      expect(await widthOf(page)).toBeLessThanOrEqual(320);
    });
  });

  it("is printed without what is for the screen alone", async () => {
    await open(addresses.english ?? "", { viewport: sizes.desktop }, async ({ page }) => {
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      expect(await page.locator(".share").isVisible()).toBe(false);
      expect(await page.locator("h1").isVisible()).toBe(true);
      const ink = "getComputedStyle(document.body).color + getComputedStyle(document.body).backgroundColor";
      expect(await page.evaluate(ink)).toBe("rgb(0, 0, 0)rgb(255, 255, 255)");
    });
  });

  it("leads from a key point to the block that it sums up", async () => {
    await open(addresses.english ?? "", { viewport: sizes.phone }, async ({ page }) => {
      await page.locator(".key-points a").click();
      expect(new URL(page.url()).hash).toBe("#block-mail");
      expect(await page.locator("#block-mail").isVisible()).toBe(true);
    });
  });

  describe.for(Object.keys(sizes) as (keyof typeof sizes)[])("on a %s", (size) => {
    it.for(schemes.flatMap((scheme) => ["english", "urdu"].map((name) => [name, scheme] as const)))(
      "is accessible by axe-core's rules: %s, %s",
      async ([name, colorScheme]) => {
        // axe-core runs as a script in the page, which the page's policy does not let in.
        const options = { viewport: sizes[size], colorScheme, bypassCSP: true };
        await open(addresses[name] ?? "", options, async ({ page }) => {
          const { violations, passes } = await new AxeBuilder({ page }).analyze();
          const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html) }));
          expect(found).toEqual([]);
          expect(passes.length).toBeGreaterThan(20);
          expect(await widthOf(page)).toBeLessThanOrEqual(sizes[size].width);
        });
      },
    );
  });
});
