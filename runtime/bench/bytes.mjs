/**
 * Bytes: work whose price is the bytes that are moved, not the containers.
 *
 * Logs, copies and lines of a hundred megabytes, by the same docker CLI against each daemon; what
 * it prints goes to /dev/null, what it writes to one disk.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { runCommand, timeCommand } from "./measure.mjs";

const LINE_BYTES = 100;
const MEGABYTES = 100;
const tree = { directories: 20, filesInEach: 100, fileBytes: 4096 };

/** Files to copy and to print: one of 100 MB in lines, and a tree of small ones. */
export function makeData(directory) {
  mkdirSync(directory);
  const fd = openSync(join(directory, "lines"), "w");
  const line = (number) => `${String(number).padStart(10, "0")} ${"x".repeat(LINE_BYTES - 12)}\n`;
  const linesInMegabyte = 1e6 / LINE_BYTES;
  for (let at = 0; at < MEGABYTES; at += 1) {
    const lines = Array.from({ length: linesInMegabyte }, (_, i) => line(at * linesInMegabyte + i));
    writeSync(fd, lines.join(""));
  }
  closeSync(fd);
  for (let i = 0; i < tree.directories; i += 1) {
    const folder = join(directory, "tree", String(i));
    mkdirSync(folder, { recursive: true });
    for (let j = 0; j < tree.filesInEach; j += 1) {
      writeFileSync(join(folder, `file-${j}`), Buffer.alloc(tree.fileBytes, j));
    }
  }
  return directory;
}

/** What is measured, as in bench.mjs; `each` makes a contestant of each daemon. */
export function byteMeasures({ docker, each, data }) {
  const run = (daemon, ...args) => runCommand([docker, ...args], daemon.env);
  const cli = (daemon, args, stdin) =>
    timeCommand([docker, ...args], daemon.env, { stdin, dropOutput: true });
  const mounted = ["--net", "none", "-v", `${data}:/data:ro`];
  const unlimited = ["--log-opt", "max-size=1g"];
  const idle = {
    before: (daemon) => run(daemon, "run", "-d", ...mounted, "busybox", "sleep", "1000"),
    after: (daemon) => run(daemon, "rm", "-f", daemon.prepared),
  };
  const logged = {
    before: async (daemon) => {
      const id = await run(daemon, "run", "-d", ...mounted, ...unlimited, "busybox", ...printLines);
      await run(daemon, "wait", id);
      return id;
    },
    after: idle.after,
  };
  const attached = ["run", "--rm", ...mounted, ...unlimited, "busybox", ...printLines];
  const fed = ["run", "--rm", "-i", "--net", "none", "busybox", "sh", "-c", "cat > /dev/null"];
  const logsOf = (daemon, ...options) => cli(daemon, ["logs", ...options, daemon.prepared]);
  const files = `${tree.directories * tree.filesInEach} files of ${tree.fileBytes / 1024} KiB`;
  const copy = copying({ run, cli, data });
  return [
    slow(work("docker logs of 100 MB", logged, (daemon) => logsOf(daemon))),
    reported(
      work("docker logs --tail 100 of 100 MB", logged, (daemon) => logsOf(daemon, "--tail", "100")),
    ),
    work("docker cp of 100 MB out", idle, (daemon) => copy.out(daemon, "lines")),
    work("docker cp of 100 MB in", idle, (daemon) => copy.in(daemon, "lines")),
    work(`docker cp of ${files} out, as a tar`, idle, (daemon) =>
      cli(daemon, ["cp", `${daemon.prepared}:/data/tree`, "-"]),
    ),
    reported(work(`docker cp of ${files} out`, idle, (daemon) => copy.out(daemon, "tree"))),
    work(`docker cp of ${files} in`, idle, (daemon) => copy.in(daemon, "tree")),
    slow(work("docker run that prints 100 MB", {}, (daemon) => cli(daemon, attached))),
    work("docker run -i that reads 100 MB", {}, (daemon) => cli(daemon, fed, join(data, "lines"))),
    work("docker exec that prints 100 MB", idle, (daemon) =>
      cli(daemon, ["exec", daemon.prepared, ...printLines]),
    ),
  ];

  function work(title, around, once) {
    const contestants = each((daemon) => () => once(daemon));
    return { title, goal: "<= 0.8 x docker", unit: "ms", contestants, ...around };
  }

  /** One takes seconds. */
  function slow(measure) {
    return { ...measure, isHeavy: true };
  }

  /** Nearly all of the time is the client's own. */
  function reported(measure) {
    return { ...measure, goal: "reported" };
  }
}

/** Copies of a name of the data, each to a name that is new, timed. */
function copying({ run, cli, data }) {
  let copies = 0;
  // Trees stay where they are: for some seconds ext4 looks at each inode that was given back before
  // it makes one, and that would be all that there is to see.
  const isKept = (name) => name === "tree";
  return {
    out: async (daemon, name) => {
      const target = join(daemon.directory, `${name}-${(copies += 1)}`);
      const time = await cli(daemon, ["cp", `${daemon.prepared}:/data/${name}`, target]);
      if (!isKept(name)) rmSync(target);
      return time;
    },
    in: async (daemon, name) => {
      const target = `/root/${name}-${(copies += 1)}`;
      const time = await cli(daemon, ["cp", join(data, name), `${daemon.prepared}:${target}`]);
      if (!isKept(name)) await run(daemon, "exec", daemon.prepared, "rm", target);
      return time;
    },
  };
}

const printLines = ["cat", "/data/lines"];
