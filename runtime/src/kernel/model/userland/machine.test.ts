import { expect, test } from "vitest";
import { readBaseTree } from "../../../images/base-tree.ts";
import { machine, outcomeOf, runModel, startShell } from "./userland.fixture.ts";

const printed = async (script: string): Promise<readonly string[]> => {
  const { stdout, stderr } = await runModel(script);
  return (stdout + stderr).trimEnd().split("\n");
};

test("sh makes a process of each command, and a shell in a pipeline is one too", async () => {
  const [own, first, second, parent] = await printed(
    "echo $$; sh -c 'echo $$'; (sh -c 'echo $PPID'); sh -c 'echo $PPID'",
  );
  expect(new Set([own, first, second]).size).toBe(3);
  expect(parent).toBe(own);
});

test("ps shows the processes of the PID namespace whose proc is mounted", async () => {
  expect(
    await printed("unshare -p -f --mount-proc sh -c 'sleep 9 & sleep 0.02; ps; kill $!'"),
  ).toEqual([
    "PID   USER     TIME  COMMAND",
    "    1 root      0:00 sh -c sleep 9 & sleep 0.02; ps; kill $!",
    "    2 root      0:00 sleep 9",
    "    4 root      0:00 ps",
  ]);
});

test("unshare, hostname and nsenter change one namespace and no other", async () => {
  const script =
    "unshare -u sh -c 'hostname inside; hostname; exec sleep 9' & sleep 0.05; hostname; " +
    "nsenter -t $! -u hostname; kill $!";
  expect((await printed(script)).slice(0, 3)).toEqual(["inside", "model", "inside"]);
});

test("mount, chroot and pivot_root make a container by hand", async () => {
  const script = `
    mkdir root; unshare -m sh -c '
      mount -t tmpfs none root; mkdir root/bin root/old; cp /bin/busybox root/bin/
      ln -s busybox root/bin/sh; cd root; pivot_root . old; /bin/busybox umount -l /old; /bin/busybox ls /'
    ls root; mkdir -p c/bin; cp /bin/busybox c/bin/sh; chroot c /bin/sh -c 'echo /*'`;
  expect(await printed(script)).toEqual(["bin", "old", "/bin"]);
});

test("grep needs no /dev/null, also when it tells nothing", async () => {
  const script = `
    mkdir -p c/bin; cp /bin/busybox c/bin/sh; ln -s sh c/bin/grep; echo boat > c/note
    chroot c /bin/sh -c '/bin/grep boat /note; /bin/grep -s boat /none; echo $?; /bin/grep boat /none'`;
  expect(await printed(script)).toEqual(["boat", "2", "grep: /none: No such file or directory"]);
});

test("memory beyond the limit of its cgroup is killed, and the shell says so", async () => {
  const script = `
    echo +memory +pids > /sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/box; echo 1M > /sys/fs/cgroup/box/memory.max
    sh -c 'echo $$ > /sys/fs/cgroup/box/cgroup.procs; exec memory 2M'; echo $?
    echo 1 > /sys/fs/cgroup/box/pids.max
    sh -c 'echo $$ > /sys/fs/cgroup/box/cgroup.procs; ls /'; echo $?`;
  expect(await printed(script)).toEqual([
    "137",
    "2",
    "Killed",
    "sh: can't fork: Resource temporarily unavailable",
  ]);
});

test("a loop that never waits lets others run, and ends when it is killed", async () => {
  expect((await runModel("while :; do :; done & sleep 0.05; kill $!; echo done")).stdout).toBe(
    "done\n",
  );
});

test("sh -i prompts, goes on after errors and reads a command over several lines", async () => {
  const child = startShell(machine(), ["-i"]);
  child.stdin?.write(new TextEncoder().encode("if true\nthen echo a\nfi\nnope\necho )\nexit 3\n"));
  const { stdout, stderr, exitCode } = await outcomeOf(child);
  expect(stdout).toBe("a\n");
  expect(exitCode).toBe(3);
  expect(stderr.replace(/\/tmp\/\d+ # /g, "# ")).toBe(
    '# > > # sh: nope: not found\n# sh: syntax error: unexpected ")"\n# ',
  );
});

test("sh -i survives Ctrl-C, which ends the command in front", async () => {
  const kernel = machine();
  const child = startShell(kernel, ["-i"]);
  const done = outcomeOf(child);
  child.stdin?.write(new TextEncoder().encode("sleep 60; echo never\necho $?\n"));
  await new Promise((resolve) => {
    kernel.after(30, () => resolve(undefined));
  });
  for (const pid of [child.hostPid + 1, child.hostPid]) kernel.kill(pid, "SIGINT");
  child.stdin?.end();
  expect((await done).stdout).toBe("130\n");
});

test("readBaseTree() takes the model's busybox as it takes the machine's", () => {
  const kernel = machine();
  const { entries, origin } = readBaseTree(kernel);
  expect(origin).toMatch(/^\/bin\/busybox, \d+ applets$/);
  expect(entries.map(({ path }) => path)).toEqual(
    expect.arrayContaining(["bin/busybox", "bin/sh", "bin/unshare", "etc/passwd"]),
  );
});
