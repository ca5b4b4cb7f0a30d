import type { TestNewsroom } from "./newsroom.ts";

/** An article as it is answered, as far as tests look into it. */
export interface ShownArticle {
  id: string;
  slug: string;
  status: string;
  headline: string;
  version: number;
  relatedLinks: {
    id: string;
    title: string | null;
    url: string | null;
    articleId: string | null;
    position: number;
  }[];
  keyPoints: { id: string; text: string }[];
  body: { id: string; type: string }[];
  shareCounts: Record<string, number>;
  shareTotal: number;
  firstPublishedAt: string | null;
  publishedAt: string | null;
  updatedAt: string;
}

/** Makes a draft; what the tests do not care about is left out. */
export async function draft(
  { editor }: TestNewsroom,
  input: { headline: string } & Record<string, unknown>,
): Promise<ShownArticle> {
  const answer = await editor.post("/v1/articles").send(input);
  if (answer.status !== 201) throw new Error(`no draft was made: ${answer.text}`);
  return answer.body as ShownArticle;
}

/** Changes a working copy whatever its revision. */
export async function change(
  { editor }: TestNewsroom,
  id: string,
  patch: Record<string, unknown>,
): Promise<ShownArticle> {
  const answer = await editor.patch(`/v1/articles/${id}`).set("If-Match", "*").send(patch);
  if (answer.status !== 200) throw new Error(`the change was refused: ${answer.text}`);
  return answer.body as ShownArticle;
}

export async function publish({ editor }: TestNewsroom, id: string): Promise<ShownArticle> {
  const answer = await editor.post(`/v1/articles/${id}/publish`);
  if (answer.status !== 200) throw new Error(`publishing was refused: ${answer.text}`);
  return answer.body as ShownArticle;
}

export async function unpublish({ editor }: TestNewsroom, id: string): Promise<ShownArticle> {
  const answer = await editor.post(`/v1/articles/${id}/unpublish`);
  if (answer.status !== 200) throw new Error(`unpublishing was refused: ${answer.text}`);
  return answer.body as ShownArticle;
}

/** Makes an article and publishes it. */
export async function live(
  newsroom: TestNewsroom,
  input: { headline: string } & Record<string, unknown>,
): Promise<ShownArticle> {
  return publish(newsroom, (await draft(newsroom, input)).id);
}

/** What the public gets. */
export async function seen({ reader }: TestNewsroom, reference: string): Promise<ShownArticle> {
  const answer = await reader.get(`/v1/articles/${reference}`);
  if (answer.status !== 200) throw new Error(`the public gets ${answer.status}: ${answer.text}`);
  return answer.body as ShownArticle;
}
