import { writePosition } from "../changes/position.ts";
import { changeJson } from "../changes/present.ts";
import { type FoundChange, readChange, readStanding } from "../changes/read.ts";
import type { Told } from "../changes/told.ts";
import type { Cursors } from "../http/paging.ts";
import type { Newsroom } from "../newsroom.ts";

/**
 * What a message tells at this moment.
 *
 * @returns undefined when it is not to be told: it is kept no more, or whom it is for has no right to it
 */
export function messageOf(
  newsroom: Newsroom,
  { sequence, articleId, standing }: { sequence: bigint; articleId: string; standing: boolean },
  told: Told,
): Promise<FoundChange | undefined> {
  return standing
    ? readStanding(newsroom, articleId, { sequence }, told)
    : readChange(newsroom, sequence, told);
}

/**
 * The body that tells a receiver of a change: what Standard Webhooks asks for (`type`, `timestamp`,
 * `data`) around the change feed's own item, so that whoever reads the one reads the other.
 */
export function payloadOf(cursors: Cursors, change: FoundChange, told: Told): string {
  const head = JSON.stringify({ type: `article.${change.kind}`, timestamp: change.at });
  const data = changeJson(change, writePosition(cursors, change.position, told), undefined);
  return `${head.slice(0, -1)},"data":${data}}`;
}

/** The body of an event that a person sends to see whether it arrives. */
export function testPayload(webhookId: string, at: Date): string {
  return JSON.stringify({ type: "webhook.test", timestamp: at, data: { webhookId } });
}
