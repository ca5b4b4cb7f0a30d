import { AxeBuilder } from "@axe-core/playwright";
import { beforeAll, describe, expect, it } from "vitest";
import { publish, unpublish } from "../support/articles.ts";
import { lacksBrowser, schemes, sizes, useBrowser, widthOf } from "../support/browser.ts";
import { useNewsroom } from "../support/newsroom.ts";
import { sample, sampleInUrdu } from "../previews/samples.ts";

const newsroom = useNewsroom();

describe.skipIf(lacksBrowser)("the page of an article in a browser", () => {
  const open = useBrowser();
  const addresses: Record<string, string> = {};

  beforeAll(async () => {
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
  it("asks for nothing elsewhere but the article's images, and has nothing to complain of", async () => {
    await open(addresses.english ?? "", { viewport: sizes.desktop }, async ({ page, asked, said }) => {
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
    await open(addresses.english ?? "", { viewport: sizes.phone }, async ({ page }) => {
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
        await open(addresses[name] ?? "", options, async ({ page }) => {
          const { violations } = await new AxeBuilder({ page }).analyze();
          const found = violations.map(({ id, nodes }) => ({ id, at: nodes.map(({ html }) => html) }));
          expect(found).toEqual([]);
          expect(await widthOf(page)).toBeLessThanOrEqual(sizes[size].width);
        });
      },
    );
  });
});
