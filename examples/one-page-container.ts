/**
 * One-page container: all of it, without the engine.
 *
 *     node --import tsx examples/one-page-container.ts 'echo hello from process $$'
 *
 * What the eight examples do one after the other, on a page: a process with files, a name, numbers,
 * a network and a share of its own, and with little power, that runs one command and whose exit code
 * is ours. Compare it with `runtime/src/container/plan.ts`, which does the same for every wish that
 * Docker's users have.
 *
 * Kernel interface: clone(2), unshare(2), mount(2), pivot_root(2), cgroups(7), capabilities(7).
 * Left out: what makes an engine. Images, logs, terminals, a parent that stays, other users, a
 * seccomp filter, masked paths, device nodes, volumes, and undoing what was done when a step fails
 * (the process and its namespaces vanish by themselves; the directories are removed below).
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ByteSource, Kernel, Self } from "../runtime/src/kernel/index.ts";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";

const COMMANDS = ["sh", "cat", "cut", "echo", "grep", "hostname", "id", "ls", "sleep", "tail"];
const KEPT = ["CAP_CHOWN", "CAP_SETGID", "CAP_SETUID"];

const kernel = createLinuxKernel();
const scratch = mkdtempSync(join(tmpdir(), "one-page-"));
const cgroup = makeCgroup(`one-page-${process.pid}`);
try {
  makeImage();
  process.exitCode = await runContainer(process.argv[2] ?? "echo hello from process $$");
} finally {
  kernel.rmdir(cgroup.path);
  rmSync(scratch, { recursive: true });
}

/** A limit of 20 processes; the file that takes members has another name in each version. */
function makeCgroup(name: string): { readonly path: string; readonly joinFile: string } {
  const isV2 = kernel.readdir("/sys/fs/cgroup").includes("cgroup.controllers");
  if (isV2) kernel.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+pids", "existing");
  const path = isV2 ? `/sys/fs/cgroup/${name}` : `/sys/fs/cgroup/pids/${name}`;
  kernel.mkdir(path, 0o755);
  kernel.writeFile(`${path}/pids.max`, "20", "existing");
  return { path, joinFile: `${path}/${isV2 ? "cgroup.procs" : "tasks"}` };
}

/** The lower layer: one program under many names. The other directories are the overlay's. */
function makeImage(): void {
  for (const name of ["image", "image/bin", "image/proc", "changes", "work", "root"]) {
    kernel.mkdir(`${scratch}/${name}`, 0o755);
  }
  const busybox = kernel.readFile("/bin/busybox");
  kernel.writeFile(`${scratch}/image/bin/busybox`, busybox, "create", 0o755);
  for (const name of COMMANDS) kernel.symlink("busybox", `${scratch}/image/bin/${name}`);
}

/** Starts the command as process 1 of a new PID namespace. @returns its exit code */
async function runContainer(command: string): Promise<number> {
  const child = kernel.spawn({ pidNamespace: "new", stdio: "pipes", stdin: false }, (inside) => {
    const own = inside.kernel;
    own.setParentDeathSignal("SIGKILL");
    own.joinCgroups(own.openCgroups([cgroup.joinFile]));
    own.unshare(["CLONE_NEWNS", "CLONE_NEWUTS", "CLONE_NEWIPC", "CLONE_NEWNET"]);
    own.setHostname("one-page");
    own.changeLink("lo", { up: true });
    changeRoot(own);
    shedPower(own);
    return own.execve("/bin/sh", ["sh", "-c", command], ["PATH=/bin", "HOME=/"]);
  });
  const ended = [pass(child.stdout, process.stdout), pass(child.stderr, process.stderr)];
  const status = await child.exited;
  await Promise.all(ended);
  return "exitCode" in status ? status.exitCode : 128;
}

/** The stack of layers becomes the root; the machine's files have no path any more. */
function changeRoot(own: Kernel & Self): void {
  const target = `${scratch}/root`;
  const data = `lowerdir=${scratch}/image,upperdir=${scratch}/changes,workdir=${scratch}/work`;
  own.mount({ source: "", target: "/", fstype: "", flags: ["MS_REC", "MS_PRIVATE"], data: "" });
  own.mount({ source: "overlay", target, fstype: "overlay", flags: [], data });
  const flags = ["MS_NOSUID", "MS_NODEV", "MS_NOEXEC"] as const;
  own.mount({ source: "proc", target: `${target}/proc`, fstype: "proc", flags, data: "" });
  own.chdir(target);
  own.pivotRoot(".", ".");
  own.umount(".", "detach");
  own.chdir("/");
}

/** Last, since the steps above need what it takes away. */
function shedPower(own: Self): void {
  own.setSession();
  own.setBoundingSet(KEPT);
  const sets = { bounding: KEPT, permitted: KEPT, effective: KEPT };
  own.setCapabilities({ ...sets, inheritable: [], ambient: [] });
  own.setNoNewPrivileges();
}

/** Hands on what the container prints, to the end. */
function pass(from: ByteSource | undefined, to: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    from?.listen(
      (bytes) => to.write(bytes),
      () => resolve(),
    );
  });
}
