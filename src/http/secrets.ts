import { isId } from "./scalars.ts";

/** Names by which clients of other services send keys in a query. */
const names =
  /^(x[-_])?(api[-_]?)?(key|token)$|^(access|auth|id|refresh)[-_]?token$|^(auth|authorization|bearer|client[-_]?secret|passw(or)?d|secret)$/i;
/** A key as Dateline makes them, wherever it stands. */
const key = /dateline_[0-9A-Za-z]{20,}/g;

/** Whether a query parameter by this name would hold a secret. */
export function isSecretName(name: string): boolean {
  return names.test(name);
}

/** Whether a key stands in an address. */
export function namesKey(url: string): boolean {
  return url.search(key) >= 0;
}

/** The parameters of an address's query as they are written, each with its name as it is read. */
export function parametersOf(url: string): { name: string; written: string }[] {
  const at = url.indexOf("?");
  if (at < 0) return [];
  return url
    .slice(at + 1)
    .split("&")
    .map((written) => ({ name: nameOf(written), written }));
}

function nameOf(written: string): string {
  const name = written.split("=", 1)[0] ?? "";
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}

/**
 * An address as it may be logged: without the token that opens a preview to whoever has it, without
 * keys, and without what stands where a secret would. It goes by the address and not by the route,
 * since what no route takes (a token that is too long, another method) is logged as well.
 */
export function withoutSecrets(url: string): string {
  const shown = url
    .replace(/^((?:https?:\/\/[^/]*)?\/+preview\/).+/is, "$1[token]")
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, "$1[userinfo]@")
    .replaceAll(key, "dateline_[key]");
  const parameters = parametersOf(shown);
  if (!parameters.some(({ name }) => isSecretName(name))) return shown;
  const query = parameters.map(({ name, written }) => {
    const value = written.slice(written.indexOf("=") + 1);
    // Some operations take the id of a key, which is none.
    return isSecretName(name) && !isId(value) ? `${name}=[secret]` : written;
  });
  return `${shown.split("?", 1)[0]}?${query.join("&")}`;
}
