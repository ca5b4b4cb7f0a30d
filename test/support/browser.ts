import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

const usual = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const executable = process.env.CHROMIUM_PATH ?? usual.find((path) => existsSync(path));

/** Whether there is no browser to look with. In CI there has to be one: there the tests fail without. */
export const lacksBrowser = executable === undefined && process.env.CI === undefined;
if (lacksBrowser)
  console.warn("No Chromium was found: the pages are not looked at in a browser. CHROMIUM_PATH names one.");

export const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
export const schemes = ["light", "dark"] as const;
const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="800"><rect width="1200" height="800" fill="#678"/></svg>`;

/** What a browser has seen of a page. */
interface Seen {
  page: Page;
  /** The addresses it asked for. */
  asked: string[];
  /** What its console said, refusals by the page's policy included. */
  said: string[];
}

/**
 * Starts a browser for the tests of a suite; to be called within it.
 *
 * @returns opens a page by itself, which gets a picture wherever one is asked for elsewhere
 */
export function useBrowser() {
  let browser: Browser;
  beforeAll(async () => {
    // Chromium's sandbox does not start in every container, and only our own pages are opened.
    browser = await chromium.launch({
      executablePath: executable ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
  });
  afterAll(async () => {
    await browser?.close();
  });
  return async (url: string, options: BrowserContextOptions, look: (seen: Seen) => Promise<void>) => {
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
      await page.goto(url, { waitUntil: "networkidle" });
      await look(seen);
    } finally {
      await context.close();
    }
  };
}

/** How wide a page is, what it hides at its side included, in pixels. */
export function widthOf(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth");
}
