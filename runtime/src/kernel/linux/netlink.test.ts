import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeError,
  decodeMessages,
  decodeName,
  encodeMessage,
  encodeMessages,
  encodeName,
  named,
  NLM_F_ACK,
  NLM_F_REQUEST,
} from "./netlink.ts";
import { decodeLink, encodeLink, RTM_SETLINK } from "./netlink-links.ts";

const IFLA_IFNAME = 3;
const u14 = fc.integer({ min: 0, max: 0x3fff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = fc.uint8Array({ maxLength: 40 });

describe("encodeMessage()", () => {
  test("encodeMessage() writes `ip link set lo up` as strace shows it", () => {
    const body = encodeLink({ index: 0, flags: 1, change: 1 }, [named(IFLA_IFNAME, "lo")]);
    const flags = NLM_F_REQUEST | NLM_F_ACK;
    const message = encodeMessage({ type: RTM_SETLINK, flags, sequence: 7, body });
    const header = [0x28, 0, 0, 0, 0x13, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0];
    const info = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0];
    const name = [7, 0, 3, 0, 0x6c, 0x6f, 0, 0];
    expect([...message]).toEqual([...header, ...info, ...name]);
  });

  test("decodeMessages() takes apart what encodeMessages() put together", () => {
    const message = fc.record({ type: u16, flags: u16, sequence: u32, body: bytes });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        expect(decodeMessages(encodeMessages(messages))).toEqual(messages);
      }),
    );
  });

  test("decodeLink() takes apart what encodeLink() put together", () => {
    const info = fc.record({
      index: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      flags: u32,
      change: u32,
    });
    const attributes = fc.array(fc.record({ type: u14, value: bytes }), { maxLength: 5 });
    fc.assert(
      fc.property(info, attributes, (link, list) => {
        expect(decodeLink(encodeLink(link, list))).toEqual({ ...link, attributes: list });
      }),
    );
  });

  test("decodeMessages() and decodeLink() end on any bytes, with a RangeError or without", () => {
    const errorOf = (call: () => unknown): unknown => {
      try {
        call();
        return undefined;
      } catch (error) {
        return error;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (any) => {
        const errors = [errorOf(() => decodeMessages(any)), errorOf(() => decodeLink(any))];
        return errors.every((error) => error === undefined || error instanceof RangeError);
      }),
    );
  });
});

test("decodeError() turns the kernel's negative number into an errno", () => {
  expect(decodeError(new Uint8Array([0xed, 0xff, 0xff, 0xff]))).toBe(19);
  expect(decodeError(new Uint8Array(4))).toBe(0);
});

test("decodeName() ends at the NUL", () => {
  expect(decodeName(encodeName("eth0"))).toBe("eth0");
  expect(decodeName(new Uint8Array([0x61]))).toBe("a");
});
