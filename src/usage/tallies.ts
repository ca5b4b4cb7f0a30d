/** What a key fetched, or was sent. */
export interface Fetched {
  requests: number;
  /** Of bodies as they are sent, compressed or not, without headers. */
  bytes: number;
  /** Articles given away, each as often as it was. */
  articles: number;
}

/** What a key fetched on a day. */
export interface Tally extends Fetched {
  keyId: string;
  /** In UTC, as `2025-04-10`. */
  day: string;
}

/** Adds up what keys fetch, by day, until it is taken away to be written. */
export function tallies() {
  let counted = new Map<string, Tally>();
  const add = ({ keyId, day, requests, bytes, articles }: Tally) => {
    const own = `${keyId} ${day}`;
    const known = counted.get(own);
    if (known === undefined) {
      counted.set(own, { keyId, day, requests, bytes, articles });
      return;
    }
    known.requests += requests;
    known.bytes += bytes;
    known.articles += articles;
  };
  return {
    add,
    take(): Tally[] {
      const taken = [...counted.values()];
      counted = new Map();
      return taken;
    },
  };
}
