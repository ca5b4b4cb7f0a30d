import { z } from "zod";
import { text } from "../http/scalars.ts";
import { faultOfSearch } from "./terms.ts";

/** The longest search, in characters. */
const MAX_SEARCH = 500;
/** The most matches that are ranked: a very common word must not cost the whole archive. */
export const MAX_RANKED = 3_000;

/** What to search for. */
export const Search = text(MAX_SEARCH)
  .check((context) => {
    if (Array.from(context.value).length > MAX_SEARCH) return;
    const fault = faultOfSearch(context.value, MAX_SEARCH);
    if (fault !== undefined) context.issues.push({ code: "custom", message: fault, input: context.value });
  })
  .meta({
    description: `Words to find in headline, standfirst, key points and body, which weigh in this order: all of them, \`"in this order"\`, \`-without\`, \`this or that\`. The last word is completed from three letters on. Words are matched in the article's language, without regard to case and accents; when nothing matches, similar words are tried. By relevance the newest ${MAX_RANKED} matches are ranked. Very common words, such as \`the\`, find nothing by themselves.`,
    examples: ["talks -weather"],
  });

export const Highlight = z
  .string()
  .describe(
    "With `q`: a snippet of the text as HTML. The text is escaped, and each hit stands in `<mark>`; there is no other markup. Very long articles are looked through from the start.",
  );
