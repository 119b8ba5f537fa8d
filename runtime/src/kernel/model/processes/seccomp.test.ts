import { expect, test } from "vitest";
import { errnoOf, PLAIN } from "../../conformance/case.ts";
import { createLinuxKernel } from "../../linux/index.ts";
import { createModelKernel } from "../index.ts";

/** Loads the number of a call, and refuses one number with EACCES. */
const refusing = (number: number) => [
  { code: 0x20, jt: 0, jf: 0, k: 0 },
  { code: 0x15, jt: 0, jf: 1, k: number },
  { code: 0x06, jt: 0, jf: 0, k: 0x0005000d },
  { code: 0x06, jt: 0, jf: 0, k: 0x7fff0000 },
];

test("installSeccomp() filters all calls of the port that are one system call", () => {
  const errnos = [4, 6].map((number) => {
    const said: string[] = [];
    createModelKernel({ clock: createLinuxKernel() }).spawn(PLAIN, ({ kernel: own }) => {
      own.setNoNewPrivileges();
      own.installSeccomp(refusing(number));
      said.push(
        errnoOf(() => own.stat("/none")),
        errnoOf(() => own.statIfPresent("/none")),
      );
      said.push(
        errnoOf(() => own.lstat("/none")),
        errnoOf(() => own.lstatIfPresent("/none")),
      );
      return undefined;
    });
    return said;
  });
  expect(errnos).toEqual([
    ["EACCES", "EACCES", "ENOENT", "OK"],
    ["ENOENT", "OK", "EACCES", "EACCES"],
  ]);
});
