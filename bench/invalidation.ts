import { setTimeout as sleep } from "node:timers/promises";

/** Where two processes on one database are reached. */
interface Pair {
  here: string;
  there: string;
}

/**
 * Publishes an article through one process again and again, and measures how long after the answer
 * the other, which has it in memory, serves it.
 *
 * @returns the times in milliseconds, in ascending order
 */
export async function seenElsewhere({ here, there }: Pair, key: string, times: number): Promise<number[]> {
  const write = async (method: string, path: string, body: object) => {
    const answer = await fetch(`${here}/v1/articles${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "if-match": "*" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { id: string };
  };
  const { id } = await write("POST", "", { headline: "Edition 0" });
  await write("POST", `/${id}/publish`, {});
  const seen = async () => {
    const answer = await fetch(`${there}/v1/articles/${id}?fields=headline`);
    return ((await answer.json()) as { headline?: string }).headline;
  };

  const found: number[] = [];
  for (let number = 1; number <= times; number += 1) {
    const headline = `Edition ${number}`;
    await write("PATCH", `/${id}`, { headline });
    // The other has the edition before in memory, whole, by now.
    await fetch(`${there}/v1/articles/${id}`).then((answer) => answer.text());
    await write("POST", `/${id}/publish`, {});
    const answered = performance.now();
    while ((await seen()) !== headline) await sleep(0);
    found.push(performance.now() - answered);
  }
  await write("POST", `/${id}/unpublish`, {});
  return found.toSorted((a, b) => a - b);
}
