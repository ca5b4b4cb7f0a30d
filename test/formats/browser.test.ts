import { existsSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publish, unpublish } from "../support/articles.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { sample, sampleInUrdu } from "../previews/samples.ts";

const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executable = process.env.CHROMIUM_PATH ?? usual.find((path) => existsSync(path));
// In CI there has to be one: there the tests fail without.
const isSkipped = executable === undefined && process.env.CI === undefined;

const newsroom = useNewsroom();
const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
const schemes = ["light", "dark"] as const;
const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800"><rect width="1200" height="800" fill="#678"/></svg>`;

/** What a browser has seen of a page. */
interface Seen {
  page: Page;
  /** The addresses it asked for. */
  asked: string[];
  /** What its console said, refusals by the page's policy included. */
  said: string[];
}

describe.skipIf(isSkipped)("the page of an article in a browser", () => {
  let browser: Browser;
  const addresses: Record<string, string> = {};

  beforeAll(async () => {
    // Chromium's sandbox does not start in every container, and only our own pages are opened.
    browser = await chromium.launch({
      executablePath: executable ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    const english = await sample(newsroom);
    await publish(newsroom, english.id);
    await newsroom.editor
      .post(`/v1/articles/${english.id}/publish`)
      .send({ correction: "The harbour was shut for 61 days and not, as we had it, for 60." });
    const urdu = await sampleInUrdu(newsroom);
    await publish(newsroom, urdu.id);
    const { body: gone } = await newsroom.editor.post("/v1/articles").send({ headline: "Gone" });
    await publish(newsroom, gone.id);
    await unpublish(newsroom, gone.id);
    addresses.english = `${newsroom.url}/a/${english.slug}`;
    addresses.urdu = `${newsroom.url}/a/${urdu.slug}`;
    addresses.gone = `${newsroom.url}/a/gone`;
  });
  afterAll(async () => {
    await browser?.close();
  });

  /** Opens a page in a browser of its own, which gets a picture wherever one is asked for elsewhere. */
  async function open(name: string, options: BrowserContextOptions, look: (seen: Seen) => Promise<void>) {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      const seen: Seen = { page, asked: [], said: [] };
      page.on("request", (request) => seen.asked.push(request.url()));
      page.on("console", (message) => seen.said.push(message.text()));
      page.on("pageerror", (error) => seen.said.push(error.message));
      await page.route(/^https:\/\/images\.example\//, (route) =>
        route.fulfill({ contentType: "image/svg+xml", body: picture }),
      );
      await page.goto(addresses[name] ?? "", { waitUntil: "networkidle" });
      await look(seen);
    } finally {
      await context.close();
    }
  }

  it("asks for nothing elsewhere but the article's images, and has nothing to complain of", async () => {
    await open("english", { viewport: sizes.desktop }, async ({ page, asked, said }) => {
      // Images below are asked for when one comes near.
      await page.evaluate("window.scrollTo(0, document.body.scrollHeight)");
      await page.waitForLoadState("networkidle");
      const elsewhere = asked.filter(
        (url) => !url.startsWith(`${newsroom.url}/`) && !url.startsWith("data:"),
      );
      expect(elsewhere).toEqual(["https://images.example/harbour.svg"]);
      expect(said).toEqual([]);
      expect(await page.locator(".preview").count()).toBe(0);
    });
  });

  it("has the JSON-LD that a search engine reads, and links that lead to pages", async () => {
    await open("english", { viewport: sizes.phone }, async ({ page }) => {
      const text = "document.querySelector('script[type=\"application/ld+json\"]').textContent";
      expect(JSON.parse(await page.evaluate<string>(text))["@type"]).toBe("NewsArticle");
      await page.locator(".also-read a").first().click();
      expect(new URL(page.url()).pathname).toMatch(/^\/a\/second-ferry/);
      expect(await page.locator("h1").textContent()).toBe("Second ferry to sail before the storms");
    });
  });

  describe.for(Object.keys(sizes) as (keyof typeof sizes)[])("on a %s", (size) => {
    it.for(schemes.flatMap((scheme) => ["english", "urdu", "gone"].map((name) => [name, scheme] as const)))(
      "is accessible by axe-core's rules: %s, %s",
      async ([name, colorScheme]) => {
        // axe-core runs as a script in the page, which the page's policy does not let in.
        const options = { viewport: sizes[size], colorScheme, bypassCSP: true };
        await open(name, options, async ({ page }) => {
          const { violations } = await new AxeBuilder({ page }).analyze();
          const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html) }));
          expect(found).toEqual([]);
          const width = await page.evaluate<number>("document.documentElement.scrollWidth");
          expect(width).toBeLessThanOrEqual(sizes[size].width);
          if (process.env.SHOTS !== undefined)
            await page.screenshot({
              path: `${process.env.SHOTS}/${name}-${size}-${colorScheme}.png`,
              fullPage: true,
            });
        });
      },
    );
  });
});
