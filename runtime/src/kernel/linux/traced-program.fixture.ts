/**
 * A program that does much through a traced kernel, and prints its journal. Run under strace(1) by
 * `journal-is-complete.test.ts`.
 */
import { createJournal } from "../recorded-call.ts";
import { traceKernel } from "../trace.ts";
import { createLinuxKernel } from "./index.ts";

const [scratch = "/nonexistent"] = process.argv.slice(2);
const journal = createJournal(1000);
const kernel = traceKernel(createLinuxKernel(), journal);
const NONE = { bounding: [], permitted: [], effective: [], inheritable: [], ambient: [] };

kernel.mkdir(`${scratch}/root`, 0o755);
kernel.writeFile(`${scratch}/root/file`, "text", "create");
kernel.symlink("file", `${scratch}/root/link`);
const child = kernel.spawn({ pidNamespace: "new", stdio: "null", stdin: false }, (inside) => {
  const own = inside.kernel;
  own.unshare(["CLONE_NEWNS", "CLONE_NEWUTS", "CLONE_NEWIPC", "CLONE_NEWNET"]);
  own.mount({
    source: "none",
    target: "/",
    fstype: "",
    flags: ["MS_REC", "MS_PRIVATE"],
    data: "",
  });
  own.mount({
    source: `${scratch}/root`,
    target: `${scratch}/root`,
    fstype: "",
    flags: ["MS_BIND"],
    data: "",
  });
  own.mknod(`${scratch}/root/null`, { type: "char", major: 1, minor: 3, permissions: 0o666 });
  own.setHostname("boat");
  own.changeLink("lo", { up: true });
  own.setSession();
  own.umount(`${scratch}/root`, "detach");
  own.setResourceLimit({ name: "RLIMIT_CORE", soft: 0, hard: 0 });
  own.setGroups([]);
  own.setGid(65_534);
  own.setUid(65_534);
  own.setCapabilities(NONE);
  own.setNoNewPrivileges();
  own.installSeccomp([{ code: 6, jt: 0, jf: 0, k: 0x7fff0000 }]);
  return own.execve("/bin/true", ["true"], []);
});
await child.exited;
kernel.rename(`${scratch}/root/link`, `${scratch}/root/other`);
for (const name of ["file", "null", "other"]) kernel.unlink(`${scratch}/root/${name}`);
kernel.rmdir(`${scratch}/root`);
process.stdout.write(JSON.stringify({ hostPid: child.hostPid, entries: journal.entries() }));
