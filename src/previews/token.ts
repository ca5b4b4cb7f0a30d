import type { Signing } from "../http/signing.ts";

const PURPOSE = "preview";

/** The secret part of a link's address. It is made of the link's id when it is needed, and stored nowhere. */
export function previewToken({ sign }: Signing, previewId: string): string {
  return sign(PURPOSE, previewId);
}

/** The id of the link that a token was made of; undefined when it was not made here. */
export function previewIdOf({ open }: Signing, token: string): string | undefined {
  return open(PURPOSE, token);
}
