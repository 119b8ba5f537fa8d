import { describe, expect, test } from "vitest";
import {
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  normalizeCapabilities,
  parseCapabilityMask,
  planCapabilities,
  printCapabilityMask,
  transformOnExec,
} from "./index.ts";

const owned = CAPABILITIES.map(({ name }) => name);
const request = { add: [], drop: [], privilege: "normal" as const, owned };

describe("planCapabilities()", () => {
  test("gives Docker's mask by default", () => {
    expect(printCapabilityMask(planCapabilities(request).bounding)).toBe("00000000a80425fb");
    expect(DEFAULT_CAPABILITIES).toHaveLength(14);
  });

  test("gives a privileged container what the engine has and says what is missing", () => {
    const own = owned.filter((name) => name !== "CAP_SYS_RESOURCE");
    const plan = planCapabilities({ ...request, privilege: "privileged", owned: own });
    expect(plan.bounding).toEqual(own);
    expect(plan.missing).toEqual(["CAP_SYS_RESOURCE"]);
  });

  test("refuses to give by name what the engine does not have", () => {
    const own = owned.filter((name) => name !== "CAP_SYS_RESOURCE");
    const plan = () => planCapabilities({ ...request, add: ["sys_resource"], owned: own });
    expect(plan).toThrow("Cannot add CAP_SYS_RESOURCE: the engine does not have it itself");
  });
});

describe("normalizeCapabilities()", () => {
  test("takes any case, with or without CAP_", () => {
    expect(normalizeCapabilities(["cap_chown", "Kill", "all"], "CapAdd")).toEqual([
      "CAP_CHOWN",
      "CAP_KILL",
      "ALL",
    ]);
  });

  test("refuses an unknown one in Docker's words", () => {
    expect(() => normalizeCapabilities(["wibble"], "CapDrop")).toThrow(
      expect.objectContaining({
        code: "capability-unknown",
        class: "invalid",
        message: 'invalid CapDrop: unknown capability: "CAP_WIBBLE"',
      }),
    );
  });
});

describe("parseCapabilityMask()", () => {
  test("reads a line of /proc/PID/status", () => {
    expect(parseCapabilityMask("CapBnd:\t000001fffeffffff\n")).toHaveLength(40);
    expect(() => parseCapabilityMask("none")).toThrow("Cannot read capability set");
  });
});

describe("transformOnExec()", () => {
  test("gives what a file's capabilities and the bounding set share", () => {
    const before = {
      bounding: ["CAP_KILL"],
      permitted: [],
      effective: [],
      inheritable: [],
      ambient: [],
    };
    const facts = {
      user: "other" as const,
      filePermitted: ["CAP_KILL", "CAP_CHOWN"],
      noNewPrivileges: "unset" as const,
    };
    expect(transformOnExec(before, facts).permitted).toEqual(["CAP_KILL"]);
    expect(transformOnExec(before, { ...facts, noNewPrivileges: "set" }).permitted).toEqual([]);
  });
});
