import { createHmac, timingSafeEqual } from "node:crypto";

/** How much of the signature goes along, in bytes: 128 bits, which nobody guesses. */
const SIGNATURE = 16;

/** Signs what an installation gives out, so that only that comes back. What is signed can be read by anyone. */
export interface Signing {
  /** Makes an opaque token of letters, digits, - and _ from a text. */
  sign: (purpose: string, text: string) => string;
  /** The text that was signed, or undefined when the token was not made here, or for another purpose. */
  open: (purpose: string, token: string) => string | undefined;
}

/** @param secret the installation's; a token signed with one is worth nothing to another */
export function signing(secret: Uint8Array): Signing {
  // As JSON the two cannot run into each other, so no purpose can be passed off as another's.
  const signature = (purpose: string, text: string) =>
    createHmac("sha256", secret)
      .update(JSON.stringify([purpose, text]))
      .digest()
      .subarray(0, SIGNATURE);
  return {
    sign: (purpose, text) =>
      Buffer.concat([signature(purpose, text), Buffer.from(text)]).toString("base64url"),
    open(purpose, token) {
      const bytes = Buffer.from(token, "base64url");
      // Reading base64url is lenient: one token must not come back in many spellings.
      if (bytes.length <= SIGNATURE || bytes.toString("base64url") !== token) return undefined;
      const text = bytes.subarray(SIGNATURE).toString();
      return timingSafeEqual(bytes.subarray(0, SIGNATURE), signature(purpose, text)) ? text : undefined;
    },
  };
}
