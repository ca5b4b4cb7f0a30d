import { generateKey, storeKey } from "../access/keys.ts";
import type { Scope } from "../access/scopes.ts";
import { asCommand } from "./asCommand.ts";
import { withNewsroom } from "./withNewsroom.ts";

/** Makes a key and prints it, alone on its line, this once. */
export async function createKey(name: string, options: { scopes: Scope[] }): Promise<void> {
  await withNewsroom(async (newsroom) => {
    const key = generateKey();
    await asCommand(
      newsroom,
      "dateline create-key",
      (tx) => storeKey(tx, key, { name, scopes: options.scopes }),
      ({ id }) => ({ kind: "keys", id }),
    );
    console.log(key);
  });
}
