import type { Agent } from "./newsroom.ts";

/** A change as it is answered, as far as tests look into it. */
export interface ShownChange {
  sequence: number | null;
  cursor: string;
  kind: string;
  at: string;
  articleId: string;
  slug: string;
  edition: number;
  detail: Record<string, unknown> | null;
  article?: ({ id: string } & Record<string, unknown>) | null;
}

export interface ShownPage {
  data: ShownChange[];
  page: { limit: number; next: string };
}

/** Asks for changes; the query's values are escaped. */
export async function changesOf(reader: Agent, query: Record<string, string>): Promise<ShownPage> {
  const answer = await reader.get(`/v1/changes?${new URLSearchParams(query).toString()}`);
  if (answer.status !== 200) throw new Error(`no changes were given: ${answer.text}`);
  return answer.body as ShownPage;
}

/** Follows the changes from a cursor until there are no more. */
export async function allChanges(reader: Agent, since: string, limit = "100"): Promise<ShownPage> {
  const data: ShownChange[] = [];
  for (let next = since; ;) {
    const found = await changesOf(reader, { since: next, limit });
    data.push(...found.data);
    if (found.page.next === next) return { data, page: found.page };
    next = found.page.next;
  }
}

/** A partner's copy of what is live, by the ids of articles. */
export type Mirror = Map<string, NonNullable<ShownChange["article"]>>;

/** Does to a copy what a change says. */
export function apply(mirror: Mirror, { kind, articleId, article }: ShownChange): void {
  if (["unpublished", "deleted", "withdrawn"].includes(kind)) mirror.delete(articleId);
  else if (article !== null && article !== undefined) mirror.set(articleId, article);
}
