/**
 * Playground views: what the pictures show, on a machine in memory.
 */
import { describe, expect, test } from "vitest";
import { createLinuxKernel } from "../../runtime/src/kernel/linux/index.ts";
import { createModel, programFile } from "../../runtime/src/kernel/model/index.ts";
import type { Model } from "../../runtime/src/kernel/model/index.ts";
import { callLine, callText, resultText } from "../src/playground/views/calls.ts";
import { cgroupRows } from "../src/playground/views/cgroups.ts";
import { changesOf } from "../src/playground/views/changes.ts";
import { fileRows, overlays, partsOf } from "../src/playground/views/layers.ts";
import { mountRows } from "../src/playground/views/mounts.ts";
import { processRows, viewBoxes } from "../src/playground/views/processes.ts";

const clock = createLinuxKernel();

function machine(cgroups: "v1" | "v2" = "v2"): Model {
  const sleep = (): Promise<number> => new Promise(() => undefined);
  const model = createModel({ clock, programs: { sleep }, cgroups });
  model.kernel.writeFile("/bin/sleep", programFile("sleep"), "create", 0o755);
  return model;
}

/** A process in namespaces of its own, as a container's is. */
function container({ kernel }: Model, cgroup?: string): number {
  const options = { pidNamespace: "new", stdio: "null", stdin: false } as const;
  return kernel.spawn(options, ({ kernel: own }) => {
    if (cgroup !== undefined) own.joinCgroups(own.openCgroups([`${cgroup}/cgroup.procs`]));
    own.unshare(["CLONE_NEWNS", "CLONE_NEWUTS"]);
    own.setHostname("web");
    return own.execve("/bin/sleep", ["sleep"], []);
  }).hostPid;
}

describe("changesOf()", () => {
  test("tells what is new, other, gone, and the same object", () => {
    const same = {};
    const rows = changesOf({ a: same, b: {}, c: {} }, { a: same, b: {}, d: {} });
    expect(rows.map(({ key, change }) => `${key} ${change}`)).toEqual([
      "a same",
      "b changed",
      "d new",
      "c gone",
    ]);
  });

  test("with nothing to compare with, nothing is new", () => {
    expect(changesOf(undefined, { a: 1 })).toEqual([{ key: "a", value: 1, change: "same" }]);
  });
});

describe("processes", () => {
  test("viewBoxes() puts a container's box into the machine's, with what is its own", () => {
    const model = machine();
    const before = model.snapshot();
    const hostPid = container(model);
    const [host, ...others] = viewBoxes(model.snapshot(), before);
    expect(others).toEqual([]);
    expect(host).toMatchObject({ hostname: "model", change: "same" });
    expect(host?.processes.map(({ comm }) => comm)).toEqual(["init", "drydock"]);
    expect(host?.inside).toMatchObject([
      { hostname: "web", change: "new", processes: [{ hostPid, pid: 1, comm: "sleep" }] },
    ]);
    expect(host?.inside[0]?.own.map(({ kind }) => kind)).toEqual(["mnt", "pid", "uts"]);
  });

  test("viewBoxes() keeps what ended for one picture", () => {
    const model = machine();
    const hostPid = container(model);
    const before = model.snapshot();
    model.kernel.kill(hostPid, "SIGKILL");
    const after = model.snapshot();
    expect(viewBoxes(after, before)[0]?.inside).toMatchObject([
      { hostname: "web", change: "gone" },
    ]);
    expect(viewBoxes(after, after)[0]?.inside).toEqual([]);
    expect(processRows(after).map(({ change }) => change)).toEqual(["same", "same"]);
  });
});

describe("mounts", () => {
  test("mountRows() shows the table of that process, each below what it hangs on", () => {
    const model = machine();
    const { kernel, snapshot } = model;
    const { hostPid: own } = kernel.identity();
    const other = container(model);
    const before = snapshot();
    kernel.mkdir("/tmp/a", 0o755);
    const flags = ["MS_RDONLY"] as const;
    kernel.mount({ source: "memory", target: "/tmp/a", fstype: "tmpfs", flags, data: "" });
    const rows = mountRows(own, snapshot(), before);
    const shown = rows.find(({ path }) => path === "/tmp/a");
    expect(shown).toMatchObject({ depth: 1, type: "tmpfs", readOnly: true, change: "new" });
    expect(rows.find(({ path }) => path === "/sys/fs/cgroup")?.depth).toBe(2);
    expect(mountRows(other, snapshot(), before).map(({ path }) => path)).not.toContain("/tmp/a");
    const then = snapshot();
    kernel.umount("/tmp/a", "now");
    const after = mountRows(own, snapshot(), then);
    expect(after.filter(({ change }) => change !== "same")).toMatchObject([
      { path: "/tmp/a", change: "gone" },
    ]);
  });

  test("mountRows() of nobody is empty", () => {
    expect(mountRows(9999, machine().snapshot())).toEqual([]);
  });
});

describe("layers", () => {
  function stacked(): Model {
    const model = machine();
    const { kernel } = model;
    for (const name of ["low", "high", "upper", "work", "merged", "low/etc"]) {
      kernel.mkdir(`/tmp/${name}`, 0o755);
    }
    kernel.writeFile("/tmp/low/etc/motd", "1", "create");
    kernel.writeFile("/tmp/low/etc/hosts", "1", "create");
    kernel.writeFile("/tmp/high/only", "2", "create");
    const data = "lowerdir=/tmp/high:/tmp/low,upperdir=/tmp/upper,workdir=/tmp/work";
    kernel.mount({ source: "o", target: "/tmp/merged", fstype: "overlay", flags: [], data });
    return model;
  }

  test("overlays() names the layers from the top, and finds their trees", () => {
    const [overlay, ...others] = overlays(stacked().snapshot());
    expect(others).toEqual([]);
    const names = overlay?.layers.map(({ name, path }) => `${name}: ${path}`);
    expect(names).toEqual([
      "container: /tmp/upper",
      "image layer 2: /tmp/high",
      "image layer 1: /tmp/low",
    ]);
    expect(Object.keys(overlay?.layers[2]?.tree?.children ?? {})).toEqual(["etc"]);
  });

  test("fileRows() tells where a file comes from, what is new and what was deleted", () => {
    const { kernel, snapshot } = stacked();
    const before = snapshot();
    kernel.writeFile("/tmp/merged/etc/motd", "mine", "existing");
    kernel.unlink("/tmp/merged/etc/hosts");
    const after = snapshot();
    const [overlay] = overlays(after);
    if (overlay === undefined) throw new Error("no overlay");
    const rows = fileRows(overlay, "/etc", after, before);
    expect(rows).toMatchObject([
      { path: "/etc/hosts", layer: undefined, change: "gone" },
      { path: "/etc/motd", layer: 0, change: "changed", sizeBytes: 4 },
    ]);
    expect(fileRows(overlay, "/", after, before)).toMatchObject([
      { name: "etc", change: "changed" },
      { name: "only", layer: 1, change: "same" },
    ]);
    expect(partsOf("/etc/motd", overlay.layers)).toEqual(["shown", "absent", "hidden"]);
    expect(partsOf("/etc/hosts", overlay.layers)).toEqual(["whiteout", "absent", "hidden"]);
    expect(partsOf("/etc", overlay.layers)).toEqual(["merged", "absent", "merged"]);
    expect(partsOf("/only", overlay.layers)).toEqual(["absent", "shown", "absent"]);
  });

  test("partsOf() hides everything below a directory that was deleted", () => {
    const { kernel, snapshot } = stacked();
    kernel.unlink("/tmp/merged/etc/hosts");
    kernel.unlink("/tmp/merged/etc/motd");
    kernel.rmdir("/tmp/merged/etc");
    const [overlay] = overlays(snapshot());
    expect(partsOf("/etc", overlay?.layers ?? [])).toEqual(["whiteout", "absent", "hidden"]);
    expect(partsOf("/etc/motd", overlay?.layers ?? [])).toEqual(["absent", "absent", "hidden"]);
  });
});

describe("cgroups", () => {
  test("cgroupRows() shows members, use and limits of version 2", () => {
    const model = machine();
    const { kernel, snapshot } = model;
    const root = "/sys/fs/cgroup";
    kernel.writeFile(`${root}/cgroup.subtree_control`, "+memory +pids +cpu", "append");
    kernel.mkdir(`${root}/box`, 0o755);
    const before = snapshot();
    kernel.writeFile(`${root}/box/memory.max`, "64m", "append");
    kernel.writeFile(`${root}/box/pids.max`, "20", "append");
    kernel.writeFile(`${root}/box/cpu.max`, "50000 100000", "append");
    const hostPid = container(model, `${root}/box`);
    const [, box, ...others] = cgroupRows(snapshot(), before);
    expect(others).toEqual([]);
    expect(box).toMatchObject({
      path: "/box",
      depth: 1,
      processes: [{ hostPid, comm: "sleep" }],
      memory: { most: 64 * 2 ** 20 },
      pids: { used: 1, most: 20 },
      processors: 0.5,
      isFrozen: false,
      change: "changed",
    });
  });

  test("cgroupRows() makes one row of the trees of version 1", () => {
    const { kernel, snapshot } = machine("v1");
    const before = snapshot();
    for (const controller of ["memory", "pids"]) {
      kernel.mkdir(`/sys/fs/cgroup/${controller}/box`, 0o755);
    }
    kernel.writeFile("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "64m", "append");
    kernel.writeFile("/sys/fs/cgroup/pids/box/pids.max", "20", "append");
    const made = snapshot();
    expect(cgroupRows(made, before).filter(({ path }) => path === "/box")).toMatchObject([
      { memory: { used: 0, most: 64 * 2 ** 20 }, pids: { most: 20 }, change: "new" },
    ]);
    for (const controller of ["memory", "pids"]) kernel.rmdir(`/sys/fs/cgroup/${controller}/box`);
    expect(cgroupRows(snapshot(), made).map(({ path, change }) => [path, change])).toEqual([
      ["/", "same"],
      ["/box", "gone"],
    ]);
  });
});

describe("calls", () => {
  test("callText() writes a call as a man page would", () => {
    expect(callText({ call: "mkdir", args: ["/a", 0o755] })).toBe('mkdir("/a", 0755)');
    const flags = ["CLONE_NEWNS", "CLONE_NEWUTS"];
    expect(callText({ call: "unshare", args: [flags] })).toBe(
      "unshare(CLONE_NEWNS | CLONE_NEWUTS)",
    );
    const args = ["/f", { bytes: 12 }, { deep: ["x", null] }];
    expect(callText({ call: "writeFile", args })).toBe(
      'writeFile("/f", 12 bytes, {deep: ["x", null]})',
    );
    const id = "0123456789ab".padEnd(64, "0");
    expect(callLine({ call: "rmdir", args: [`/run/${id}`] })).toBe('rmdir("/run/0123456789ab…")');
    expect(callLine({ call: "mkdir", args: ["x".repeat(200)] })).toMatch(/^mkdir\("x+…$/);
  });

  test("resultText() is ok, what came back, or the errno", () => {
    expect(resultText({})).toBe("ok");
    expect(resultText({ result: 17 })).toBe("17");
    expect(resultText({ errno: "EPERM", result: 17 })).toBe("EPERM");
  });
});
