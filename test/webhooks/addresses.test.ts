import type { lookup } from "node:dns";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { isPublicAddress, publicLookup } from "../../src/webhooks/addresses.ts";
import { pace, waitAfter } from "../../src/webhooks/retries.ts";
import { sender } from "../../src/webhooks/send.ts";
import { newSecret, signedHeaders } from "../../src/webhooks/signature.ts";
import { receiver } from "./receiver.ts";

const message = (url: string) => ({ url, id: "msg", body: "{}", secrets: [newSecret()] });

/** Each kind of address that IANA's special-purpose registries set apart, by its first and last ones. */
const special = {
  "this network": ["0.0.0.0", "0.255.255.255"],
  private: ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
  "shared by carriers": ["100.64.0.0", "100.127.255.255"],
  loopback: ["127.0.0.1", "127.255.255.254", "::1"],
  "link-local and metadata": [
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "fe80::1",
    "fe80::a9fe:a9fe",
  ],
  "IETF's own": ["192.0.0.1", "192.0.0.192", "2001::1", "2001:1ff:ffff::1"],
  documentation: ["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1"],
  "6to4 relays": ["192.88.99.1"],
  benchmarking: ["198.18.0.0", "198.19.255.255", "2001:2::1"],
  multicast: ["224.0.0.1", "239.255.255.255", "ff02::1"],
  reserved: ["240.0.0.1", "255.255.255.254"],
  broadcast: ["255.255.255.255"],
  unspecified: ["::"],
  "unique local and metadata": ["fc00::1", "fd00:ec2::254", "fdff::1"],
  "site-local": ["fec0::1"],
  "IPv4-compatible": ["::7f00:1", "::10.0.0.1"],
  "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::ffff:0:127.0.0.1"],
  "behind NAT64": ["64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b::10.0.0.1", "64:ff9b:1::7f00:1"],
  "6to4 and Teredo": ["2002:7f00:1::1", "2002:a00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
  "segment routing, discard and not given out": ["5f00::1", "100::1", "4000::1"],
  "no address": ["", "localhost", "partner.example", "1.2.3", "fe80::1%eth0"],
};

describe("an address", () => {
  it.for(Object.entries(special))("that is %s is not public", ([, addresses]) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });

  it.for([
    "1.1.1.1",
    "9.255.255.255",
    "100.63.255.255",
    "172.32.0.1",
    "193.0.0.1",
    "223.255.255.254",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
  ])("as %s is", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe("a name", () => {
  /** A resolver that answers each question by the next of these lists of addresses. */
  const answering = (...answers: string[][]) => {
    const left = [...answers];
    return ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
      const addresses = left.shift() ?? answers.at(-1) ?? [];
      setImmediate(
        done,
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    }) as unknown as typeof lookup;
  };

  it("that leads to what is not public is not connected to, by whichever of its addresses", async () => {
    const partner = await receiver();
    const { port } = new URL(partner.url);
    for (const addresses of [
      ["127.0.0.1"],
      ["1.1.1.1", "127.0.0.1"],
      ["::ffff:127.0.0.1"],
      ["::1", "1.1.1.1"],
    ]) {
      const out = sender([], { lookup: publicLookup(answering(addresses)) });
      const outcome = await out.send(message(`https://rebound.example:${port}/`));
      expect(outcome).toMatchObject({
        status: null,
        error: "rebound.example does not lead to an address of the public internet",
      });
      out.close();
    }
    expect(partner.received).toEqual([]);
  });

  it("that leads elsewhere the second time is refused then", async () => {
    const look = publicLookup(answering(["1.1.1.1"], ["127.0.0.1"], ["169.254.169.254"]));
    const ask = () =>
      new Promise((resolve) => {
        look("rebound.example", { all: true }, (error, found) => {
          resolve(error?.message ?? found);
        });
      });
    expect(await ask()).toEqual([{ address: "1.1.1.1", family: 4 }]);
    const refused = "rebound.example does not lead to an address of the public internet";
    expect([await ask(), await ask()]).toEqual([refused, refused]);
  });

  it("is resolved once for a connection, which goes where it was checked", async () => {
    let asked = 0;
    const resolve = answering(["1.1.1.1", "::1"]);
    const counting = ((...all: Parameters<typeof resolve>) => {
      asked += 1;
      resolve(...all);
    }) as typeof lookup;
    const out = sender([], { lookup: publicLookup(counting) });
    await out.send(message("https://rebound.example/"));
    expect(asked).toBe(1);
    out.close();
  });

  it("without an address fails", async () => {
    const out = sender([], { lookup: publicLookup(answering([])) });
    expect((await out.send(message("https://nowhere.example/"))).error).toBe(
      "nowhere.example has no address",
    );
    out.close();
  });

  it("that was forbidden since it was set up is not sent to", async () => {
    const partner = await receiver();
    const out = sender([]);
    expect((await out.send(message(partner.url))).error).toContain("does not lead to");
    expect((await out.send(message("https://[::1]/"))).error).toContain("does not lead to");
    expect(partner.received).toEqual([]);
    out.close();
  });
});

describe("an attempt", () => {
  it("ends after its time, whether or not an answer had begun", async () => {
    const silent = await receiver(() => new Promise(() => {}));
    const out = sender(["127.0.0.1"], { timeout: 200 });
    const outcome = await out.send(message(silent.url));
    expect(outcome).toMatchObject({ status: null, error: "there was no whole answer within 0.2 seconds" });
    expect(outcome.duration).toBeLessThan(2000);
    out.close();
  });

  it("reads no more of an answer than a bound", async () => {
    const partner = await receiver(() => ({ status: 200, body: "ä".repeat(5_000_000) }));
    const out = sender(["127.0.0.1"]);
    const outcome = await out.send(message(partner.url));
    expect(outcome).toMatchObject({ status: 200, error: null, body: "ä".repeat(2048) });
    out.close();
  });
});

describe("a signature", () => {
  it("is the one that Standard Webhooks' library makes, of any Unicode", () => {
    const secret = newSecret();
    const at = new Date();
    const body = JSON.stringify({ headline: "„Fähre“ — ✓ 🛳️" });
    expect(signedHeaders("msg_1", at, body, [secret])["webhook-signature"]).toBe(
      new Webhook(secret).sign("msg_1", at, body),
    );
  });

  it("is the one that the makers of Standard Webhooks test their libraries by", () => {
    const at = new Date(1_614_265_330_000);
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    expect(signedHeaders("msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}', [secret])).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });
});

describe("the wait between attempts", () => {
  it("grows, is spread over half of itself, and heeds what the receiver asks for", () => {
    const wholes = Array.from({ length: 12 }, (_, failures) => waitAfter(failures + 1, pace, 0, 1) / 1000);
    expect(wholes).toEqual([5, 15, 45, 135, 405, 1215, 3645, 10_935, 28_800, 28_800, 28_800, 28_800]);
    expect(waitAfter(1, pace, 0, 0)).toBe(2500);
    expect(waitAfter(1, { ...pace, first: 10 }, 0, 1)).toBe(10);
    expect(waitAfter(1, pace, 60_000)).toBe(60_000);
  });
});
