import { lookup as resolve } from "node:dns";
import { type LookupFunction, isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Where addresses of the public internet lie in IPv6 (IANA, IPv6 Global Unicast Address Assignments). */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** Within that, what the library does not know of yet: documentation (RFC 9637). */
const DOCUMENTATION = ipaddr.IPv6.parseCIDR("3fff::/20");

/**
 * Whether an IP address is one of the public internet: neither of this machine, a private network, a
 * link (where clouds keep their metadata) nor anything else that IANA has set apart. An IPv4 address
 * inside an IPv6 one (mapped, or by NAT64's well-known prefix, RFC 6052) counts as itself; the other
 * ways through, 6to4 and Teredo, are not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || address.includes("%")) return false;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.range() === "unicast";
  if (parsed.range() === "rfc6052") {
    return isPublicAddress(new ipaddr.IPv4(parsed.toByteArray().slice(12)).toString());
  }
  return parsed.range() === "unicast" && parsed.match(GLOBAL_UNICAST) && !parsed.match(DOCUMENTATION);
}

/** The host of an address as it is resolved: without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** Whether a host is an IP address that is not public; a name is resolved when it is connected to. */
export function isForbiddenLiteral(host: string): boolean {
  return isIP(host) !== 0 && !isPublicAddress(host);
}

/**
 * Resolves a name for a connection and refuses it when any of its addresses is not public. What was
 * checked is what is connected to, so that a name cannot lead elsewhere in between.
 */
export function publicLookup(look: typeof resolve = resolve): LookupFunction {
  return (hostname, options, done) => {
    look(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) {
        done(error ?? new Error(`${hostname} has no address`), []);
      } else if (addresses.every(({ address }) => isPublicAddress(address))) {
        if (options.all === true) done(null, addresses);
        else done(null, first.address, first.family);
      } else {
        done(forbidden(hostname), []);
      }
    });
  };
}

/** It says nothing of the address, which whoever set up the webhook may not know. */
export function forbidden(host: string): Error {
  return new Error(`${host} does not lead to an address of the public internet`);
}
