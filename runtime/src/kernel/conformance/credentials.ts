/**
 * Conformance of credentials: users, capabilities, no_new_privs, seccomp, resource limits,
 * sessions.
 *
 * Kernel interface: capabilities(7), prctl(2), seccomp(2), getrlimit(2), setsid(2).
 * Invariants: none.
 * Left out: file capabilities.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { BpfInstruction, CapabilitySets, Self } from "../port.ts";
import { equal, errnoOf, eventually, inChild, PLAIN, type Case } from "./case.ts";

const NONE: CapabilitySets = {
  bounding: [],
  permitted: [],
  effective: [],
  inheritable: [],
  ambient: [],
};

const BPF_RET_K = 0x06;
const BPF_LD_W_ABS = 0x20;
const BPF_JEQ_K = 0x15;
const SECCOMP_RET_ALLOW = 0x7fff0000;
const SECCOMP_RET_ERRNO = 0x00050000;
const EXDEV = 18;

/**
 * rename(2), renameat(2) and renameat2(2) on x86_64 and arm64, whichever of them the implementation
 * calls.
 */
const RENAME_CALLS: Readonly<Record<string, readonly number[]>> = {
  x86_64: [82, 264, 316],
  aarch64: [38, 276],
};

/** Fails every rename with EXDEV, and nothing else. */
function refuseRename(machine: string): readonly BpfInstruction[] {
  const numbers = RENAME_CALLS[machine] ?? [];
  const compare = numbers.map((k, at) => ({
    code: BPF_JEQ_K,
    jt: numbers.length - at,
    jf: 0,
    k,
  }));
  return [
    { code: BPF_LD_W_ABS, jt: 0, jf: 0, k: 0 },
    ...compare,
    { code: BPF_RET_K, jt: 0, jf: 0, k: SECCOMP_RET_ALLOW },
    { code: BPF_RET_K, jt: 0, jf: 0, k: SECCOMP_RET_ERRNO | EXDEV },
  ];
}

function becomeNobody(own: Self, keep: readonly string[]): void {
  own.setBoundingSet(keep);
  own.setGroups([7, 8]);
  own.setGid(65_533);
  own.setUid(65_534);
  own.setCapabilities({ ...NONE, permitted: keep, effective: keep });
}

/** Credentials: what every implementation must do. */
export const credentialCases: readonly Case[] = [
  {
    name: "setUid() and setGid() change what files belong to, and power is gone",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.chmod(scratch, 0o777);
      kernel.writeFile(`${scratch}/root`, "", "create", 0o600);
      const errnos = await inChild(kernel, PLAIN, (own) => {
        becomeNobody(own, []);
        own.writeFile(`${scratch}/mine`, "", "create");
        return [
          own.identity().effectiveUid,
          errnoOf(() => own.readFile(`${scratch}/root`)),
          errnoOf(() => own.lchown(`${scratch}/mine`, 0, 0)),
          errnoOf(() => own.setUid(0)),
          errnoOf(() => own.unshare(["CLONE_NEWUTS"])),
          errnoOf(() => own.setHostname("x")),
          errnoOf(() => own.kill(1, "SIGTERM")),
        ];
      });
      equal(errnos, [65_534, "EACCES", "EPERM", "EPERM", "EPERM", "EPERM", "EPERM"], "errnos");
      const { hostUid, hostGid } = kernel.lstat(`${scratch}/mine`);
      equal([hostUid, hostGid], [65_534, 65_533], "owner");
    },
  },
  {
    name: "setCapabilities() keeps exactly the given sets, over a change of user too",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create", 0o600);
      const result = await inChild(kernel, PLAIN, (own) => {
        const keep = ["CAP_CHOWN", "CAP_KILL"];
        becomeNobody(own, keep);
        own.lchown(`${scratch}/f`, 5, 5);
        own.setCapabilities({ ...NONE, permitted: keep, inheritable: keep, ambient: ["CAP_KILL"] });
        const sets = own.getCapabilities();
        const refused = errnoOf(() => own.lchown(`${scratch}/f`, 6, 6));
        const more = { ...NONE, permitted: ["CAP_SYS_ADMIN"] };
        return [
          sets,
          refused,
          errnoOf(() => own.setCapabilities(more)),
          errnoOf(() => own.setCapabilities({ ...NONE, permitted: ["CAP_NONE"] })),
        ];
      });
      const keep = ["CAP_CHOWN", "CAP_KILL"];
      const sets = {
        bounding: keep,
        permitted: keep,
        effective: [],
        inheritable: keep,
        ambient: ["CAP_KILL"],
      };
      equal(result, [sets, "EPERM", "EPERM", "EINVAL"], "sets");
    },
  },
  {
    name: "setNoNewPrivileges() and setParentDeathSignal() succeed for anybody",
    need: "root",
    run: async ({ kernel }) => {
      const status = await inChild(kernel, PLAIN, (own) => {
        becomeNobody(own, []);
        own.setNoNewPrivileges();
        own.setParentDeathSignal("SIGKILL");
        return /NoNewPrivs:\s+1/.test(own.readText("/proc/self/status"));
      });
      equal(status, true, "NoNewPrivs");
    },
  },
  {
    name: "/proc/PID/environ is what execve() was given, for those who may look",
    need: "root",
    run: async ({ kernel }) => {
      const child = kernel.spawn({ ...PLAIN, stdio: "null" }, (inside) =>
        inside.kernel.execve("/bin/sleep", ["sleep", "1000"], ["A=1", "B=two words"]),
      );
      const path = `/proc/${child.hostPid}/environ`;
      // The parent goes on when the old memory is given up: a moment before the new one is filled.
      await eventually(kernel, () => kernel.readText(path) !== "");
      equal(kernel.readText(path), "A=1\0B=two words\0", "environment");
      equal(kernel.stat(path).mode & 0o777, 0o400, "mode");
      const errno = await inChild(kernel, PLAIN, (own) => {
        becomeNobody(own, []);
        return errnoOf(() => own.readText(path));
      });
      equal(errno, "EACCES", "for nobody");
      kernel.kill(child.hostPid, "SIGKILL");
      await child.exited;
    },
  },
  {
    name: "installSeccomp() filters calls with the errno of the program",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/f`, "", "create");
      const program = refuseRename(kernel.uname().machine);
      const errnos = await inChild(kernel, PLAIN, (own) => {
        const empty = errnoOf(() => own.installSeccomp([]));
        own.setNoNewPrivileges();
        own.installSeccomp(program);
        return [
          empty,
          errnoOf(() => own.rename(`${scratch}/f`, `${scratch}/g`)),
          errnoOf(() => own.link(`${scratch}/f`, `${scratch}/g`)),
        ];
      });
      equal(errnos, ["EINVAL", "EXDEV", "OK"], "errnos");
    },
  },
  {
    name: "installSeccomp() needs no_new_privs or CAP_SYS_ADMIN",
    need: "root",
    run: async ({ kernel }) => {
      const program = refuseRename(kernel.uname().machine);
      const errno = await inChild(kernel, PLAIN, (own) => {
        becomeNobody(own, []);
        return errnoOf(() => own.installSeccomp(program));
      });
      equal(errno, "EACCES", "errno");
    },
  },
  {
    name: "setResourceLimit() lowers both limits and says why not",
    need: "root",
    run: async ({ kernel }) => {
      const told = await inChild(kernel, PLAIN, (own) => {
        own.setResourceLimit({ name: "RLIMIT_NOFILE", soft: 50, hard: 60 });
        own.setResourceLimit({ name: "RLIMIT_CORE", soft: 0, hard: Infinity });
        const limits = own.readText("/proc/self/limits");
        const line = (name: string): string =>
          (limits.split("\n").find((each) => each.startsWith(name)) ?? "").replace(/\s+/g, " ");
        return [
          line("Max open files"),
          line("Max core file size"),
          errnoOf(() => own.setResourceLimit({ name: "RLIMIT_NOFILE", soft: 70, hard: 60 })),
          errnoOf(() => own.setResourceLimit({ name: "RLIMIT_NONE", soft: 1, hard: 1 })),
        ];
      });
      const files = "Max open files 50 60 files ";
      const core = "Max core file size 0 unlimited bytes ";
      equal(told, [files, core, "EINVAL", "EINVAL"], "limits");
    },
  },
  {
    name: "umask() and chdir() belong to the process",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const errnos = await inChild(kernel, PLAIN, (own) => {
        own.umask(0o077);
        own.chdir(scratch);
        own.writeFile("relative", "", "create", 0o666);
        return [errnoOf(() => own.chdir("none")), errnoOf(() => own.chdir("relative"))];
      });
      equal(errnos, ["ENOENT", "ENOTDIR"], "errnos");
      equal(kernel.lstat(`${scratch}/relative`).mode, 0o666, "exact all the same");
    },
  },
  {
    name: "setSession() makes a leader once",
    need: "root",
    run: async ({ kernel }) => {
      const errnos = await inChild(kernel, PLAIN, (own) => {
        own.setSession();
        return errnoOf(() => own.setSession());
      });
      equal(errnos, "EPERM", "a leader cannot become one again");
    },
  },
];
