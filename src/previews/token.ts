import type { Signing } from "../http/signing.ts";

/** What a preview's token opens, and until when. */
export interface Grant {
  articleId: string;
  expiresAt: Date;
}

const PURPOSE = "preview";

/** A token that lets whoever has it see the article's working copy. Nothing is stored of it. */
export function previewToken({ sign }: Signing, { articleId, expiresAt }: Grant): string {
  return sign(PURPOSE, `${articleId} ${expiresAt.getTime()}`);
}

/** What a token opens now; undefined when it was not made here, or its time is over. */
export function openPreview({ open }: Signing, token: string): Grant | undefined {
  const [articleId, time] = open(PURPOSE, token)?.split(" ") ?? [];
  if (articleId === undefined || !(Number(time) > Date.now())) return undefined;
  return { articleId, expiresAt: new Date(Number(time)) };
}
