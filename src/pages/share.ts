import { html, raw } from "hono/html";
import type { Html } from "./html.ts";
import type { Labels } from "./labels.ts";

interface Network {
  name: string;
  title: string;
  /** The shapes of its icon, in a square of 24. */
  icon: string;
  /** Where a reader shares an address, given as part of a URL as the headline is. */
  link: (address: string, headline: string) => string;
}

const strokes = (path: string) =>
  `<path d="${path}" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>`;
const filled = (path: string) => `<path d="${path}" fill="currentColor"/>`;

/** The networks that a page offers. They are links to the networks' own pages: nothing is loaded from there. */
const networks: Network[] = [
  {
    name: "facebook",
    title: "Facebook",
    icon: filled(
      "M13.6 21v-7.6h2.7l.5-3.4h-3.2V8.1c0-1 .4-1.7 1.8-1.7h1.5V3.3C16.5 3.1 15.7 3 14.9 3c-2.7 0-4.5 1.7-4.5 4.6V10H7.5v3.4h2.9V21z",
    ),
    link: (address) => `https://www.facebook.com/sharer/sharer.php?u=${address}`,
  },
  {
    name: "x",
    title: "X",
    icon: strokes("M5.5 5l13 14M18.5 5l-13 14"),
    link: (address, headline) => `https://x.com/intent/post?url=${address}&text=${headline}`,
  },
  {
    name: "whatsapp",
    title: "WhatsApp",
    icon:
      strokes("M4 20l1.2-4.3a8.2 8.2 0 1 1 3.2 3.1z") +
      filled(
        "M9.3 7.8c-.9.5-1.2 1.5-.8 2.8.8 2.5 2.7 4.4 5.1 5 1.3.3 2.2-.1 2.6-1 .2-.4.1-.8-.3-1l-1.4-.8c-.4-.2-.8-.1-1 .2l-.5.6c-1.2-.5-2-1.3-2.5-2.4l.6-.6c.3-.3.3-.6.1-1l-.7-1.4c-.2-.5-.7-.7-1.2-.4z",
      ),
    link: (address, headline) => `https://wa.me/?text=${headline}%20${address}`,
  },
  {
    name: "telegram",
    title: "Telegram",
    icon: strokes("M20.5 4.5L3.5 11.3l5.7 2.2L18 7.5l-6.5 7.8 5.5 3.7zM9.2 13.5v5.5l3-3"),
    link: (address, headline) => `https://t.me/share/url?url=${address}&text=${headline}`,
  },
  {
    name: "linkedin",
    title: "LinkedIn",
    icon: filled(
      "M5 9.5h3V20H5zM6.5 4.2a1.7 1.7 0 1 1 0 3.5 1.7 1.7 0 0 1 0-3.5zM10.5 9.5h2.9v1.4c.5-.9 1.6-1.7 3.2-1.7 2.8 0 3.9 1.7 3.9 4.5V20h-3v-5.7c0-1.5-.5-2.4-1.8-2.4-1.4 0-2.2 1-2.2 2.5V20h-3z",
    ),
    link: (address) => `https://www.linkedin.com/sharing/share-offsite/?url=${address}`,
  },
  {
    name: "email",
    title: "",
    icon: strokes("M3.5 6h17v12.5h-17zM4 6.5l8 6.5 8-6.5"),
    link: (address, headline) => `mailto:?subject=${headline}&body=${address}`,
  },
];

/**
 * Links that share an article, with how often each network was used.
 *
 * @param address the article's public address, in full
 */
export function shareLinks(
  { headline, shareCounts }: { headline: string; shareCounts: Record<string, number> },
  address: string,
  labels: Labels,
): Html {
  const count = new Intl.NumberFormat([labels.language, "en"], { notation: "compact" });
  const items = networks.map(({ name, title, icon, link }) => {
    const shared = shareCounts[name] ?? 0;
    const text = title === "" ? labels.byEmail : labels.shareOn.replace("{network}", title);
    const href = link(encodeURIComponent(address), encodeURIComponent(headline));
    return html`<li>
      <a href="${href}" title="${text}"
        ><svg viewBox="0 0 24 24" aria-hidden="true">${raw(icon)}</svg><span class="spoken">${text}</span>${
          shared > 0 &&
          html`<span class="count">${count.format(shared)}</span>
            <span class="spoken">${labels.shares}</span>`
        }</a
      >
    </li>`;
  });
  return html`<nav class="share" lang="${labels.language}" aria-label="${labels.share}">
    <ul>
      ${items}
    </ul>
  </nav>`;
}
