/**
 * Surroundings: where a process stands, what it is called, what it is held to.
 *
 * Kernel interface: chdir(2), umask(2), sethostname(2), setsid(2), getrlimit(2), prctl(2),
 *   seccomp(2).
 * Invariants: none.
 * Left out: resource limits are kept and shown, not enforced.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ResourceLimit, Self } from "../../port.ts";
import { signalNumber } from "../../signals.ts";
import {
  checkAccess,
  EXECUTE,
  idOutside,
  isCapable,
  isCapableOfAll,
  requireCapability,
  WRITE,
} from "../files/permission.ts";
import { resolve } from "../files/walk.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import { nextNumber, type Process } from "../state.ts";
import { RESOURCE_LIMITS } from "./resource-limits.ts";
import { checkFilter } from "./seccomp.ts";
import { openTerminal } from "./terminal.ts";

type Surroundings = Pick<
  Self,
  | "chdir"
  | "umask"
  | "setHostname"
  | "setDomainname"
  | "setSession"
  | "openTerminal"
  | "ownStdio"
  | "openCgroups"
  | "joinCgroups"
>;

const NAME_MAX_BYTES = 64;

/** The calls of a process about its surroundings. */
export function modelSurroundings(process: Process): Surroundings {
  const rename = (key: "hostname" | "domainname", name: string): void => {
    const { uts } = process.namespaces;
    requireCapability(process.credentials, uts.owner, "CAP_SYS_ADMIN");
    refuseIf(new TextEncoder().encode(name).length > NAME_MAX_BYTES, "EINVAL");
    uts[key] = name;
  };
  return {
    chdir: (path) => call("chdir", path, () => chdir(process, path)),
    umask: (mask) => {
      process.umask = mask & 0o777;
    },
    setHostname: (name) => call("sethostname", name, () => rename("hostname", name)),
    setDomainname: (name) => call("setdomainname", name, () => rename("domainname", name)),
    setSession: () =>
      call("setsid", "", () => {
        refuseIf(process.session === process.hostPid, "EPERM");
        process.session = process.hostPid;
        process.group = process.hostPid;
      }),
    openTerminal: (ptmxPath) => call("openpty", ptmxPath, () => openTerminal(process, ptmxPath)),
    ownStdio: (uid, gid) => call("fchown", "stdio", () => ownStdio(process, uid, gid)),
    openCgroups: (paths) =>
      paths.map((path) => call("open", path, () => openCgroup(process, path))),
    joinCgroups: (handles) => {
      for (const handle of handles) {
        call("write", `cgroup ${handle}`, () => {
          const { dentry } = process.cgroupHandles.get(handle) ?? refuse("EBADF");
          dentry.fs.write(dentry, new TextEncoder().encode("0"), "replace", process);
        });
      }
    },
  };
}

/** Pipes have no owner in the model; a terminal's slave has. */
function ownStdio(process: Process, insideUid: number, insideGid: number): void {
  const { credentials, streams, world } = process;
  const { userNamespace } = credentials;
  const uid = idOutside(userNamespace, "uid", insideUid) ?? refuse("EINVAL");
  const gid = idOutside(userNamespace, "gid", insideGid) ?? refuse("EINVAL");
  const opened = streams?.stdin.opened;
  const place = opened?.kind === "terminal" ? world.openedAt.get(opened) : undefined;
  if (place === undefined) return;
  const { dentry } = place;
  requireCapability(credentials, dentry.fs.userNamespace, "CAP_CHOWN");
  dentry.fs.change(dentry, { uid, gid });
}

function chdir(process: Process, path: string): void {
  refuseIf(path.includes("\0"), "EINVAL");
  const place = resolve(process, path, "follow");
  refuseIf(place.dentry.inode.type !== "directory", "ENOTDIR");
  checkAccess(process, place.dentry, EXECUTE);
  process.cwd = place;
}

function openCgroup(process: Process, path: string): number {
  const place = resolve(process, path, "follow");
  refuseIf(place.dentry.inode.type === "directory", "EISDIR");
  checkAccess(process, place.dentry, WRITE);
  const handle = nextNumber(process.world, "handle", 100);
  process.cgroupHandles.set(handle, place);
  return handle;
}

type Restrictions = Pick<
  Self,
  "setResourceLimit" | "setNoNewPrivileges" | "installSeccomp" | "setParentDeathSignal"
>;

/** The calls of a process that hold it to something. */
export function modelRestrictions(process: Process): Restrictions {
  return {
    setResourceLimit: (limit) => call("prlimit", limit.name, () => setLimit(process, limit)),
    setNoNewPrivileges: () => {
      process.noNewPrivileges = true;
    },
    installSeccomp: (program) =>
      call("seccomp", `${program.length} instructions`, () => {
        checkFilter(program);
        const { credentials } = process;
        const isAdmin = isCapable(credentials, credentials.userNamespace, "CAP_SYS_ADMIN");
        refuseIf(!process.noNewPrivileges && !isAdmin, "EACCES");
        process.filters = [...process.filters, program];
      }),
    setParentDeathSignal: (signal) =>
      call("prctl", "PR_SET_PDEATHSIG", () => {
        refuseIf(signalNumber(signal) === undefined, "EINVAL");
        process.parentDeathSignal = signal;
      }),
  };
}

function setLimit(process: Process, { name, soft, hard }: ResourceLimit): void {
  const kind = Object.hasOwn(RESOURCE_LIMITS, name) ? RESOURCE_LIMITS[name] : undefined;
  if (kind === undefined || soft > hard) return refuse("EINVAL");
  const [, before] = process.limits.get(name) ?? kind.initial;
  const mayRaise = isCapableOfAll(process.credentials, "CAP_SYS_RESOURCE");
  refuseIf(hard > before && !mayRaise, "EPERM");
  process.limits.set(name, [soft, hard]);
}
