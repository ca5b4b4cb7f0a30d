/** Leaves of a JSON text what `fields` asks for; all of it without. */
export function choose(json: string, names: readonly string[] | undefined): string {
  return JSON.stringify(chosen(JSON.parse(json) as object, names));
}

/** Leaves of an article what `fields` asks for, and its id; all of it without. */
export function chosen(article: object, names: readonly string[] | undefined): object {
  if (names === undefined) return article;
  return Object.fromEntries(
    Object.entries(article).filter(([name]) => name === "id" || names.includes(name)),
  );
}
