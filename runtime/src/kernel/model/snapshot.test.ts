import { expect, test } from "vitest";
import { createLinuxKernel } from "../linux/index.ts";
import { createModel, programFile } from "./index.ts";

const clock = createLinuxKernel();

test("snapshot() is plain data, and the same object when nothing changed", () => {
  const { snapshot } = createModel({ clock });
  const first = snapshot();
  expect(snapshot()).toBe(first);
  expect(JSON.parse(JSON.stringify(first))).toEqual(JSON.parse(JSON.stringify(snapshot())));
  expect(Object.values(first.processes).map(({ comm }) => comm)).toEqual(["init", "drydock"]);
});

test("snapshot() shares everything but the way to what changed", () => {
  const { kernel, snapshot } = createModel({ clock });
  kernel.mkdir("/tmp/a", 0o755);
  kernel.mkdir("/tmp/b", 0o755);
  const before = snapshot();
  kernel.writeFile("/tmp/a/f", "text", "create");
  const after = snapshot();
  const tmp = (of: typeof before) => of.files["254:0"]?.children?.["tmp"]?.children;
  expect(tmp(after)?.["a"]?.children?.["f"]?.sizeBytes).toBe(4);
  expect(tmp(before)?.["a"]?.children).toEqual({});
  expect(tmp(after)?.["b"]).toBe(tmp(before)?.["b"]);
  expect(after.processes).toBe(before.processes);
  expect(after.mounts).toBe(before.mounts);
  expect(after.cgroups).toBe(before.cgroups);
});

test("snapshot() tells from which layer a file of an overlay comes", () => {
  const { kernel, snapshot } = createModel({ clock });
  for (const name of ["one", "two", "upper", "work", "merged"]) kernel.mkdir(`/tmp/${name}`, 0o755);
  kernel.writeFile("/tmp/one/a", "1", "create");
  kernel.writeFile("/tmp/two/b", "2", "create");
  const data = "lowerdir=/tmp/one:/tmp/two,upperdir=/tmp/upper,workdir=/tmp/work";
  kernel.mount({ source: "o", target: "/tmp/merged", fstype: "overlay", flags: [], data });
  kernel.writeFile("/tmp/merged/c", "3", "create");
  const { files, mounts } = snapshot();
  const overlay = Object.values(mounts)
    .flat()
    .find(({ type }) => type === "overlay");
  const children = files[overlay?.fileSystem ?? ""]?.children ?? {};
  const layers = Object.entries(children).map(([name, { layer }]) => [name, layer]);
  expect(layers).toEqual([
    ["a", 0],
    ["b", 1],
    ["c", "upper"],
  ]);
  const at = (kind: string, path: string) => ({ kind, fileSystem: "254:0", path });
  const expected = [at("upper", "/tmp/upper"), at("lower", "/tmp/one"), at("lower", "/tmp/two")];
  expect(overlay?.layers).toEqual(expected);
});

test("snapshot() shows a process in its namespaces and its cgroup, and that it ended", async () => {
  const { kernel, snapshot } = createModel({
    clock,
    programs: { sleep: () => new Promise(() => undefined) },
  });
  kernel.writeFile("/bin/sleep", programFile("sleep"), "create", 0o755);
  kernel.mkdir("/sys/fs/cgroup/box", 0o755);
  const options = { pidNamespace: "new", stdio: "null", stdin: false } as const;
  const child = kernel.spawn(options, ({ kernel: own }) => {
    own.unshare(["CLONE_NEWUTS"]);
    own.joinCgroups(own.openCgroups(["/sys/fs/cgroup/box/cgroup.procs"]));
    return own.execve("/bin/sleep", ["sleep"], []);
  });
  const during = snapshot();
  const shown = during.processes[String(child.hostPid)];
  expect(shown?.comm).toBe("sleep");
  expect(Object.values(shown?.pids ?? {})).toContain(1);
  expect(during.cgroups["0"]?.root.children["box"]?.hostPids).toEqual([child.hostPid]);
  const host = during.processes[String(kernel.identity().hostPid)];
  expect(shown?.namespaces["uts"]).not.toBe(host?.namespaces["uts"]);
  kernel.kill(child.hostPid, "SIGKILL");
  expect(await child.exited).toEqual({ signal: "SIGKILL", coreDumped: false });
  expect(snapshot().processes[String(child.hostPid)]).toBeUndefined();
  kernel.rmdir("/sys/fs/cgroup/box");
});
