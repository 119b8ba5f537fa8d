import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addressBytes,
  addressOf,
  formatAddress,
  isWithin,
  networkOf,
  parseAddress,
  parseNetwork,
} from "./ip-address.ts";

const four = fc.record({
  family: fc.constant(4 as const),
  value: fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }),
});
/** With many zeros, since they are what is left out. */
const six = fc
  .array(fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => ({
    family: 6 as const,
    value: groups.reduce((sum, group) => (sum << 16n) | group, 0n),
  }));
const address = fc.oneof(four, six);

describe("addresses", () => {
  test("parseAddress() reads what formatAddress() wrote", () => {
    fc.assert(
      fc.property(address, (any) => {
        expect(parseAddress(formatAddress(any))).toEqual(any);
        expect(addressOf(addressBytes(any))).toEqual(any);
      }),
    );
  });

  test("formatAddress() writes IPv6 as the URL standard does", () => {
    fc.assert(
      fc.property(six, (any) => {
        const text = formatAddress(any);
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
      }),
      { examples: [[{ family: 6, value: 0n }], [{ family: 6, value: 1n }]] },
    );
  });

  test("parseAddress() has nothing to say of what is no address", () => {
    const none = ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", ":", ":::", "1::2::3", "g::"];
    expect(none.map(parseAddress)).toEqual(none.map(() => undefined));
    expect(["10.0.0.0/33", "10.0.0.0/", "fd00::/129"].map(parseNetwork)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("isWithin() asks for the bits of the prefix", () => {
    const network = parseNetwork("172.16.0.0/12");
    const inside = ["172.16.0.0", "172.31.255.255"].map(parseAddress);
    const outside = ["172.15.255.255", "172.32.0.0", "fd00::1"].map(parseAddress);
    const asked = [...inside, ...outside].map((each) => each && network && isWithin(each, network));
    expect(asked).toEqual([true, true, false, false, false]);
    expect(networkOf({ family: 4, value: 0x0a000203n, prefixLength: 24 }).value).toBe(0x0a000200n);
  });
});
