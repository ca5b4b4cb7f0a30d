import { writePosition } from "../changes/position.ts";
import { changeJson } from "../changes/present.ts";
import type { FoundChange } from "../changes/read.ts";
import type { Cursors } from "../http/paging.ts";

/**
 * The body that tells a receiver of a change: what Standard Webhooks asks for (`type`, `timestamp`,
 * `data`) around the change feed's own item, so that whoever reads the one reads the other.
 */
export function payloadOf(cursors: Cursors, change: FoundChange): string {
  const head = JSON.stringify({ type: `article.${change.kind}`, timestamp: change.at });
  const data = changeJson(change, writePosition(cursors, change.position), undefined);
  return `${head.slice(0, -1)},"data":${data}}`;
}

/** The body of an event that a person sends to see whether it arrives. */
export function testPayload(webhookId: string, at: Date): string {
  return JSON.stringify({ type: "webhook.test", timestamp: at, data: { webhookId } });
}
