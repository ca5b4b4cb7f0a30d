import { createHmac, randomBytes } from "node:crypto";

const PREFIX = "whsec_";
/** How many random bytes a secret has, of the 24 to 64 that Standard Webhooks 1.0.0 asks for. */
const SECRET_BYTES = 32;

/** A new secret, as Standard Webhooks writes it. */
export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

/**
 * The headers by which a receiver knows who sent a body, by Standard Webhooks 1.0.0.
 *
 * @param id of the message, the same however often it is sent
 * @param at when this attempt is made
 * @param secrets those that are good now; there is a signature by each
 */
export function signedHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly string[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
