import { generateKey, storeKey } from "../access/keys.ts";
import type { Scope } from "../access/scopes.ts";
import { withNewsroom } from "./withNewsroom.ts";

/** Makes a key and prints it, alone on its line, this once. */
export async function createKey(name: string, options: { scopes: Scope[] }): Promise<void> {
  await withNewsroom(async ({ database }) => {
    const key = generateKey();
    await storeKey(database, key, { name, scopes: options.scopes });
    console.log(key);
  });
}
