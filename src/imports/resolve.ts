import { slugify } from "../http/slugify.ts";
import { MAX_TERMS } from "../taxonomy/schema.ts";
import type { DraftBlock, Entry, Image, ImportedArticle, LookedKind, Reference, TermEntry } from "./entry.ts";
import type { Staged, Staging } from "./staging.ts";

type Kind = "section" | "tag" | "author";
/** A term that can be named by its slug. */
export type NamedTerm = TermEntry & { slug: string };

/** An article in which nothing refers to other places of the file any more. */
export interface ResolvedArticle extends Omit<ImportedArticle, "section" | "tags" | "authors" | "picture"> {
  section: NamedTerm | null;
  tags: NamedTerm[];
  authors: NamedTerm[];
}

/** An article on its way here. */
export interface Item {
  line: number;
  /** What it is known by at its source. */
  key: string;
  article: ResolvedArticle;
  remarks: string[];
}

/** The articles of a batch, with what other places of the file say of them. */
export async function resolved(staged: Staging, rows: readonly Staged[]): Promise<Item[]> {
  const read = rows.map(({ line, key, content }) => ({
    line,
    key,
    ...(JSON.parse(content) as Pick<Extract<Entry, { kind: "article" }>, "article" | "remarks">),
  }));
  const filings = await filingsOf(
    staged,
    read.map(({ key }) => key),
  );
  const find = async <Value>(kind: LookedKind, references: (Reference<Value> | null)[]) => {
    const keys = references.flatMap((one) => keyOf(one) ?? []);
    const found = await staged.find(kind, keys);
    return new Map(found.map(({ key, content }) => [key, JSON.parse(content) as Value]));
  };
  const filed = read.map(({ key, article }): ImportedArticle => ({
    ...article,
    tags: [...article.tags, ...(filings.get(key)?.tag ?? [])],
    // Where authors stand apart, they are all of them.
    authors: filings.get(key)?.author ?? article.authors,
  }));
  const sections = await find<TermEntry>(
    "section",
    filed.map(({ section }) => section),
  );
  const tags = await find<TermEntry>(
    "tag",
    filed.flatMap((one) => one.tags),
  );
  const authors = await find<TermEntry>(
    "author",
    filed.flatMap((one) => one.authors),
  );
  const images = await find<Image>(
    "image",
    filed.map(({ picture }) => picture),
  );
  return read.map(({ line, key, remarks }, index) => {
    const { picture, ...article } = filed[index] as ImportedArticle;
    const image = picture === null ? undefined : valueOf(picture, images);
    const told = [...remarks];
    const termsOf = (kind: Kind, references: Reference<TermEntry>[], known: Map<string, TermEntry>) =>
      few(
        kind,
        references.flatMap((one) => named(valueOf(one, known))),
        told,
      );
    if (image === undefined && picture !== null)
      told.push("its picture was left out, for the file does not hold it");
    return {
      line,
      key,
      article: {
        ...article,
        section: article.section === null ? null : (named(valueOf(article.section, sections))[0] ?? null),
        tags: termsOf("tag", article.tags, tags),
        authors: termsOf("author", article.authors, authors),
        body: withPicture(article.body, image),
      },
      remarks: told,
    };
  });
}

async function filingsOf(staged: Staging, keys: string[]) {
  const found = await staged.find("filing", keys);
  const all = found.map(({ key, content }) => ({
    key,
    ...(JSON.parse(content) as Pick<Extract<Entry, { kind: "filing" }>, "as" | "term" | "position">),
  }));
  const byArticle = Map.groupBy(
    all.toSorted((one, other) => one.position - other.position),
    ({ key }) => key,
  );
  return new Map(
    [...byArticle].map(([key, filings]) => [
      key,
      Object.fromEntries(
        Map.groupBy(filings, ({ as }) => as)
          .entries()
          .map(([as, of]) => [as, of.map(({ term }) => ({ key: term }))]),
      ) as Partial<Record<"tag" | "author", { key: string }[]>>,
    ]),
  );
}

function keyOf<Value>(reference: Reference<Value> | null): string | undefined {
  return reference !== null && typeof reference === "object" && "key" in reference
    ? reference.key
    : undefined;
}

/** What a reference leads to, or else what it says itself. */
function valueOf<Value extends object>(
  reference: Reference<Value>,
  known: ReadonlyMap<string, Value>,
): Value | undefined {
  const key = keyOf(reference);
  if (key === undefined) return reference as Value;
  const found = known.get(key);
  if (found !== undefined) return found;
  const { key: _, ...own } = reference as Partial<Value> & { key: string };
  return Object.keys(own).length === 0 ? undefined : (own as unknown as Value);
}

/** The term with the slug that it has, or would be given. */
function named(term: TermEntry | undefined): NamedTerm[] {
  const slug = term === undefined ? "" : (term.slug ?? slugify(term.name, ""));
  return term === undefined || slug === "" ? [] : [{ ...term, slug }];
}

function few(kind: Kind, terms: NamedTerm[], remarks: string[]): NamedTerm[] {
  const unique = [...new Map(terms.map((term) => [term.slug, term])).values()];
  if (unique.length > MAX_TERMS)
    remarks.push(
      `${unique.length - MAX_TERMS} ${kind}s were left out, for an article has at most ${MAX_TERMS}`,
    );
  return unique.slice(0, MAX_TERMS);
}

function withPicture(body: DraftBlock[], image: Image | undefined): DraftBlock[] {
  if (image === undefined || body.some((block) => block.type === "image" && block.url === image.url))
    return body;
  const { url, alt, caption, credit } = image;
  return [{ type: "image", url, alt, caption, credit }, ...body];
}
