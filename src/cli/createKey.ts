import { generateKey, storeKey } from "../access/keys.ts";
import type { Role } from "../access/roles.ts";
import type { Scope } from "../access/scopes.ts";
import { asCommand } from "./asCommand.ts";
import { withNewsroom } from "./withNewsroom.ts";

/** Makes a key and prints it, alone on its line, this once. */
export async function createKey(name: string, options: { scopes?: Scope[]; role?: Role }): Promise<void> {
  await withNewsroom(async (newsroom) => {
    const key = generateKey();
    await asCommand(
      newsroom,
      "dateline create-key",
      (tx) =>
        storeKey(tx, key, {
          name,
          ...(options.scopes === undefined ? { role: options.role ?? "admin" } : { scopes: options.scopes }),
        }),
      ({ id }) => ({ kind: "keys", id }),
    );
    console.log(key);
  });
}
