/** A shortcode, opening or closing: `[caption width="300"]`. */
const shortcode = /\[(\/?)([a-zA-Z][\w-]{0,60})((?:[\s=/][^[\]]{0,2000})?)\]/g;

/** Shortcodes of WordPress itself that stand alone, without an end or attributes. */
const alone = new Set(["gallery", "playlist", "audio", "video"]);

/**
 * Puts HTML in the place of WordPress's shortcodes, as far as it says what they show, and takes out the
 * others. What only looks like one, as `[sic]`, stays text.
 *
 * @returns what was taken out, in words
 */
export function withoutShortcodes(html: string): { html: string; remarks: string[] } {
  const remarks: string[] = [];
  const ended = new Set(
    [...html.matchAll(shortcode)].flatMap(([, end, name = ""]) => (end === "/" ? [name] : [])),
  );
  const found = html.replaceAll(shortcode, (whole: string, end: string, name: string, attributes: string) => {
    switch (name) {
      case "caption":
      case "wp_caption":
        return end === "/" ? "</figure>" : `<figure>${legend(attributes)}`;
      case "embed":
        return end === "/" ? "</figure>" : '<figure class="embed">';
    }
    if (end !== "/" && (name === "audio" || name === "video")) {
      const address = /https?:\/\/[^\s"'\][]+/.exec(attributes)?.[0];
      if (address !== undefined) return `<iframe src="${address.replaceAll('"', "")}"></iframe>`;
    }
    const isOne = ended.has(name) || alone.has(name) || /=/.test(attributes);
    if (!isOne) return whole;
    if (end === "")
      remarks.push(name === "gallery" ? "a gallery was left out" : `the shortcode [${name}] was left out`);
    return "";
  });
  return { html: found, remarks };
}

/** The caption as WordPress wrote it before it stood between the ends. */
function legend(attributes: string): string {
  const caption = /caption=(["'])(.*?)\1/.exec(attributes)?.[2];
  return caption === undefined ? "" : `<figcaption>${caption}</figcaption>`;
}
