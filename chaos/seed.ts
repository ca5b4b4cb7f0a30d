import { type Client, insist } from "./http.ts";

/** How many articles are made by one request. */
const AT_ONCE = 25;

/** Makes articles and publishes them; their ids. */
export async function publishSome(
  sender: Client,
  count: number,
  contentOf: (number: number) => object,
): Promise<string[]> {
  const made: string[] = [];
  while (made.length < count) {
    const operations = Array.from({ length: Math.min(AT_ONCE, count - made.length) }, (_, number) => [
      { method: "POST", path: "/v1/articles", body: contentOf(made.length + number) },
      { method: "POST", path: `/v1/articles/{${2 * number}.id}/publish` },
    ]).flat();
    const body = { atomic: true, operations };
    const { text } = await insist(sender, { method: "POST", path: "/v1/bulk", body });
    const { results } = JSON.parse(text) as { results: { body: { id: string } }[] };
    made.push(...results.filter((_, index) => index % 2 === 0).map(({ body: { id } }) => id));
  }
  return made;
}
