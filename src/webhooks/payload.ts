import type { Cursors } from "../http/paging.ts";

/** A change as the log has it, with the edition that came with it, if it came with one. */
export interface ChangeRow {
  sequence: string;
  kind: string;
  article_id: string;
  slug: string;
  version: number;
  detail: unknown;
  at: Date;
  document: unknown;
}

/**
 * The body that tells a receiver of a change: the same whenever it is made, since editions are
 * immutable. `cursor` is where the change feed goes on after it.
 */
export function payloadOf(cursors: Cursors, change: ChangeRow): string {
  const { sequence, kind, article_id: articleId, slug, version, detail, at, document } = change;
  return JSON.stringify({
    type: `article.${kind}`,
    timestamp: at.toISOString(),
    data: {
      sequence: Number(sequence),
      cursor: cursors.write("changes", [sequence]),
      kind,
      at: at.toISOString(),
      articleId,
      slug,
      version,
      detail,
      article: document,
    },
  });
}

/** The body of an event that a person sends to see whether it arrives. */
export function testPayload(webhookId: string, at: Date): string {
  return JSON.stringify({ type: "webhook.test", timestamp: at.toISOString(), data: { webhookId } });
}
