import { describe, expect, test } from "vitest";
import { parseNamespaceModes } from "./index.ts";
import type { NamespaceStrings } from "./index.ts";

const DEFAULTS: NamespaceStrings = {
  NetworkMode: "",
  PidMode: "",
  IpcMode: "",
  UTSMode: "",
  CgroupnsMode: "",
  UsernsMode: "",
};

const modesOf = (strings: Partial<NamespaceStrings>, version: 1 | 2 = 1) =>
  parseNamespaceModes({ ...DEFAULTS, ...strings }, version);

describe("parseNamespaceModes()", () => {
  test("gives everything of its own but the user namespace by default", () => {
    const { kinds, sharedMemory, networkLinks } = modesOf({}, 2);
    expect(kinds.user).toEqual({ mode: "host" });
    const others = Object.entries(kinds).filter(([kind]) => kind !== "user");
    expect(others.map(([, mode]) => mode)).toEqual(others.map(() => ({ mode: "private" })));
    expect({ sharedMemory, networkLinks }).toEqual({
      sharedMemory: "private",
      networkLinks: "default",
    });
  });

  test("keeps the host's cgroup namespace by default where cgroups are version 1", () => {
    expect(modesOf({}, 1).kinds.cgroup).toEqual({ mode: "host" });
    expect(modesOf({ CgroupnsMode: "private" }, 1).kinds.cgroup).toEqual({ mode: "private" });
    expect(modesOf({ CgroupnsMode: "host" }, 2).kinds.cgroup).toEqual({ mode: "host" });
  });

  test.each(["PidMode", "IpcMode", "UTSMode", "NetworkMode"] as const)(
    "shares the host's by %s",
    (field) => {
      const kind = { PidMode: "pid", IpcMode: "ipc", UTSMode: "uts", NetworkMode: "net" } as const;
      expect(modesOf({ [field]: "host" }).kinds[kind[field]]).toEqual({ mode: "host" });
    },
  );

  test.each(["PidMode", "IpcMode", "NetworkMode"] as const)("joins a container by %s", (field) => {
    const kind = { PidMode: "pid", IpcMode: "ipc", NetworkMode: "net" } as const;
    expect(modesOf({ [field]: "container:web" }).kinds[kind[field]]).toEqual({
      mode: "container",
      container: "web",
    });
  });

  test.each([
    ["private", "private"],
    ["shareable", "shareable"],
    ["none", "none"],
    ["host", "host"],
    ["container:x", "container"],
  ])("takes /dev/shm with ipc mode %s as %s", (IpcMode, expected) => {
    expect(modesOf({ IpcMode }).sharedMemory).toBe(expected);
  });

  test.each(["default", "bridge", "none"])(
    "makes a network namespace for network %s",
    (NetworkMode) => {
      expect(modesOf({ NetworkMode }).kinds.net).toEqual({ mode: "private" });
      const links = NetworkMode === "none" ? "none" : "default";
      expect(modesOf({ NetworkMode }).networkLinks).toBe(links);
    },
  );

  test.each([
    ["private", "subordinate"],
    ["keep-id", "keep-id"],
    ["map:0:1:2", { extents: "0:1:2" }],
  ])("makes a user namespace for userns mode %s", (UsernsMode, mapping) => {
    const modes = modesOf({ UsernsMode });
    expect(modes.kinds.user).toEqual({ mode: "private" });
    expect(modes.userMapping).toEqual(mapping);
  });

  test.each([
    [{ PidMode: "shared" }, "invalid PID mode: shared"],
    [{ PidMode: "container:" }, "invalid PID mode: container:"],
    [{ IpcMode: "mine" }, "invalid IPC mode: mine"],
    [{ IpcMode: "container" }, "invalid IPC mode: container"],
    [{ UTSMode: "container:x" }, "invalid UTS mode: container:x"],
    [{ CgroupnsMode: "shared" }, "invalid cgroup namespace mode: shared"],
    [{ UsernsMode: "auto" }, "invalid USER mode: auto"],
    [{ NetworkMode: "container:" }, "invalid container format container:<name|id>"],
  ])("refuses %j in Docker's words", (strings, message) => {
    const refused = () => modesOf(strings);
    expect(refused).toThrow(
      expect.objectContaining({ code: "request-invalid", class: "invalid", message }),
    );
  });

  test("does not find a user-defined network", () => {
    expect(() => modesOf({ NetworkMode: "back" })).toThrow("network back not found");
  });
});
