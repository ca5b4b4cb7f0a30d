import type { Notice, Receipt } from "./find.ts";

/** What of receipts of one partner says which editions it had: of each the first, the latest edition first. */
export function editionsHad(receipts: readonly Receipt[]) {
  const first = new Map<number, Receipt>();
  for (const receipt of receipts) {
    const { gives, version, sent_at: sentAt } = receipt;
    if (gives && sentAt !== null && !first.has(version)) first.set(version, receipt);
  }
  return [...first.values()]
    .toSorted((one, other) => other.version - one.version)
    .map(({ version, way, sent_at: at, arrived_at: arrivedAt }) => ({
      edition: version,
      by: way,
      at,
      arrivedAt,
    }));
}

/** What became of a notice with one partner: the best that is known by any way. */
export function noticeAt(receipts: readonly Receipt[], notice: Notice, acknowledgedAt: Date | null) {
  const told = receipts.filter(({ sequence }) => sequence === notice.sequence);
  const arrived = earliest(told, "arrived_at");
  const sent = arrived ?? earliest(told, "sent_at");
  const state =
    acknowledgedAt !== null
      ? "acknowledged"
      : arrived !== undefined
        ? "delivered"
        : sent !== undefined
          ? "sent"
          : "waiting";
  return {
    state,
    by: sent?.way ?? null,
    sentAt: sent?.sent_at ?? null,
    deliveredAt: arrived?.arrived_at ?? null,
    acknowledgedAt,
  };
}

function earliest(receipts: readonly Receipt[], name: "sent_at" | "arrived_at"): Receipt | undefined {
  return receipts
    .filter((receipt) => receipt[name] !== null)
    .toSorted((one, other) => Number(one[name]) - Number(other[name]))[0];
}
