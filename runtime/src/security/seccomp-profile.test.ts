import { describe, expect, test } from "vitest";
import { RuntimeError } from "../errors/index.ts";
import {
  actionValue,
  evaluateFilter,
  parseSeccompProfile,
  planSeccomp,
  resolveFilter,
  syscallNumbers,
} from "./index.ts";
import type { SeccompAction } from "./index.ts";

const rule = (fields: object) =>
  JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["kill"], ...fields }] });

describe("parseSeccompProfile()", () => {
  test("reads 64-bit numbers without rounding them", () => {
    const text = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["9007199254740993"],
      "action":"SCMP_ACT_KILL","args":[
        {"index":1,"op":"SCMP_CMP_EQ","value":18446744073709551615}]}]}`;
    const [first] = parseSeccompProfile(text).rules;
    expect(first?.args[0]?.value).toBe(18_446_744_073_709_551_615n);
    expect(first?.names).toEqual(["9007199254740993"]);
  });

  test("takes one name instead of several, and errno 1 unless it says another", () => {
    const text = JSON.stringify({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      syscalls: [{ name: "kill", action: "SCMP_ACT_ERRNO" }],
    });
    const profile = parseSeccompProfile(text);
    expect(profile.defaultAction).toEqual({ kind: "errno", errno: 38 });
    expect(profile.rules[0]).toMatchObject({
      names: ["kill"],
      action: { kind: "errno", errno: 1 },
    });
  });

  test.each([
    ["not json", "Unexpected token"],
    ["[]", "it must be an object"],
    ['{"defaultAction":"SCMP_ACT_MAYBE"}', 'unknown action "SCMP_ACT_MAYBE"'],
    ['{"defaultAction":"SCMP_ACT_NOTIFY"}', 'unknown action "SCMP_ACT_NOTIFY"'],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', "syscalls must be a list"],
    [rule({ action: "SCMP_ACT_KILL", name: "read" }), "'name' and 'names'"],
    [rule({ action: "SCMP_ACT_ERRNO", errnoRet: -1 }), "syscalls[0].errnoRet must be an unsigned"],
    [rule({ action: "SCMP_ACT_KILL", args: [{ index: 6, op: "SCMP_CMP_EQ" }] }), "0 to 5"],
    [rule({ action: "SCMP_ACT_KILL", args: [{ index: 0, op: "EQ" }] }), 'unknown op "EQ"'],
    [rule({ action: "SCMP_ACT_KILL", includes: { minKernel: "new" } }), "like 4.8"],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{}]}',
      "use either",
    ],
  ])("refuses %s and says where", (text, problem) => {
    expect(() => parseSeccompProfile(text)).toThrow(problem);
    expect(() => parseSeccompProfile(text)).toThrow("Decoding seccomp profile failed");
    expect(() => parseSeccompProfile(text)).toThrow(RuntimeError);
  });
});

describe("resolveFilter()", () => {
  const facts = { machine: "x86_64", kernelRelease: "6.1.0", capabilities: [] };
  const decide = (text: string, name: string, args: readonly bigint[] = []): SeccompAction =>
    evaluateFilter(resolveFilter(parseSeccompProfile(text), facts), {
      nr: syscallNumbers("X86_64").get(name) ?? -1,
      arch: 0xc000003e,
      instructionPointer: 0n,
      args,
    });
  const errno = (number: number) => ({ action: "SCMP_ACT_ERRNO", errnoRet: number });

  test("lets an unconditional rule win over conditional ones, as libseccomp does", () => {
    const text = JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        { names: ["kill"], ...errno(2), args: [{ index: 0, op: "SCMP_CMP_EQ", value: 1 }] },
        { names: ["kill"], ...errno(3) },
      ],
    });
    expect(decide(text, "kill", [1n])).toEqual({ kind: "errno", errno: 3 });
  });

  test("takes two conditions on one argument as alternatives, as runc does", () => {
    const args = [1, 2].map((value) => ({ index: 0, op: "SCMP_CMP_EQ", value }));
    const text = rule({ ...errno(2), args });
    expect([0n, 1n, 2n].map((value) => decide(text, "kill", [value]).kind)).toEqual([
      "allow",
      "errno",
      "errno",
    ]);
  });

  test("answers ENOSYS to what is newer than the profile, unless the default allows it", () => {
    const closed = JSON.stringify({
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [{ names: ["kill"], action: "SCMP_ACT_ALLOW" }],
    });
    expect(decide(closed, "clone3")).toEqual({ kind: "errno", errno: 38 });
    expect(decide(closed, "read")).toEqual({ kind: "errno", errno: 1 });
    expect(decide(rule(errno(2)), "clone3")).toEqual({ kind: "allow" });
  });

  test("lets nobody around the rules by another table of the same kernel", () => {
    const filter = resolveFilter(parseSeccompProfile(rule(errno(2))), facts);
    const nr = 0x40000000 + (syscallNumbers("X86_64").get("kill") ?? 0);
    const call = { nr, arch: 0xc000003e, instructionPointer: 0n, args: [] };
    expect(evaluateFilter(filter, call)).toEqual({ kind: "kill-process" });
  });

  test("refuses a machine whose numbers it does not know", () => {
    const profile = parseSeccompProfile(rule(errno(2)));
    expect(() => resolveFilter(profile, { ...facts, machine: "riscv64" })).toThrow("riscv64");
  });
});

describe("planSeccomp()", () => {
  const facts = { machine: "x86_64", kernelRelease: "6.1.0", capabilities: [] };

  test("leaves a privileged container unconfined, unless it names a profile", () => {
    const privileged = { privilege: "privileged" as const, facts };
    expect(planSeccomp({ ...privileged, profile: "default" })).toBeNull();
    expect(
      planSeccomp({ ...privileged, profile: { profile: rule({ action: "SCMP_ACT_LOG" }) } }),
    ).not.toBeNull();
    expect(planSeccomp({ profile: "unconfined", privilege: "normal", facts })).toBeNull();
  });

  test("refuses a profile whose program would be too long", () => {
    const planOf = (conditions: number) => () => {
      const syscalls = Array.from({ length: conditions }, (_, value) => ({
        names: ["kill"],
        action: "SCMP_ACT_KILL",
        args: [{ index: 0, op: "SCMP_CMP_EQ", value }],
      }));
      const profile = JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls });
      return planSeccomp({ profile: { profile }, privilege: "normal", facts });
    };
    expect(planOf(800)()?.length).toBeGreaterThan(3200);
    expect(planOf(1100)).toThrow("instructions are too many");
  });
});

describe("actionValue()", () => {
  test.each([
    [{ kind: "allow" }, 0x7fff0000],
    [{ kind: "log" }, 0x7ffc0000],
    [{ kind: "trace", message: 7 }, 0x7ff00007],
    [{ kind: "errno", errno: 38 }, 0x00050026],
    [{ kind: "trap" }, 0x00030000],
    [{ kind: "kill-thread" }, 0],
    [{ kind: "kill-process" }, 0x80000000],
  ] as const)("gives linux/seccomp.h's value of %j", (action, value) => {
    expect(actionValue(action)).toBe(value);
  });
});
