import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const text = readFileSync(join(import.meta.dirname, "article.css"), "utf8");
const name = `article-${createHash("sha256").update(text).digest("hex").slice(0, 16)}.css`;

/** The stylesheet of article pages. Its address has its content's hash, so it may be kept for ever. */
export const stylesheet = { name, text, address: `/styles/${name}` };
