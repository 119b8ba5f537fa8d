/**
 * Shell steps: what init does, as lines for a shell.
 *
 * The same operations as in `init.ts`, each as what a person would type. The tools are those of the
 * machine, so a path of the container is written with `$root` before it: that is what it is called
 * as long as the machine's own files are still there.
 *
 * Kernel interface: mount(8), mknod(1), ip(8), prlimit(1), setpriv(1).
 * Specification: POSIX.1-2017, Shell Command Language.
 * Invariants: none; `runtime/test/as-shell.test.ts` runs a script beside a container.
 * Left out: links of an image that lead out of its tree, which init resolves inside of it.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */

import type { MountCall, MountFlag } from "../kernel/index.ts";
import { shellLine } from "../wire/index.ts";
import type { InitAction } from "./init-plan.ts";

/** What lines are written with. */
export interface ShellWords {
  /** A word for the shell; known directories and the id as variables. */
  readonly word: (text: string) => string;
  /** A path of the container. */
  readonly inside: (path: string) => string;
}

/** Words of one container: its root, its directory and its id become `$root`, `$dir` and `$id`. */
export function shellWords(names: {
  readonly rootfs: string;
  readonly directory: string;
  readonly id: string;
}): ShellWords {
  const variables = [
    [names.rootfs, "$root"],
    [names.directory, "$dir"],
    [names.id, "$id"],
  ] as const;
  const word = (text: string): string => {
    const found = variables.find(([value]) => text.includes(value));
    if (found === undefined) return text === "" ? "''" : shellLine([text]);
    const [value, variable] = found;
    return text
      .split(value)
      .map((part) => (part === "" ? "" : word(part)))
      .join(variable);
  };
  return { word, inside: (path) => (path === "/" ? "$root" : `$root${word(path)}`) };
}

type Translations = {
  readonly [Op in InitAction["op"]]: (
    action: Extract<InitAction, { readonly op: Op }>,
    words: ShellWords,
  ) => readonly string[];
};

/** Said elsewhere in the script: by the options of unshare(1) and setpriv(1), or in its frame. */
const elsewhere = (): readonly string[] => [];

/** Each operation as lines; those that change who the process is are options of setpriv(1). */
const TRANSLATIONS: Translations = {
  "parent-death-signal": elsewhere,
  umask: ({ mask }) => [`umask 0${mask.toString(8)}`],
  "join-namespaces": elsewhere,
  unshare: elsewhere,
  "enter-user-namespace": elsewhere,
  "become-root": elsewhere,
  "open-cgroups": elsewhere,
  "join-cgroups": elsewhere,
  mount: ({ mount }, words) => [
    mountLine(mount, mount.target === "/" ? "/" : targetOf(mount.target, words), words),
  ],
  "mount-inside": ({ path, mount }, words) => {
    const target = words.inside(path);
    return [`mkdir -p ${target}`, mountLine({ ...mount, target }, target, words)];
  },
  bind: (action, words) => bindLines(action, words),
  "make-mount-point": elsewhere,
  "pivot-root": elsewhere,
  "make-directory": ({ path }, { inside }) => [`mkdir -p ${inside(path)}`],
  device: ({ path, node, uid, gid }, { inside }) => {
    const { type, major, minor, permissions } = node;
    const place = inside(path);
    const parent = path.slice(0, path.lastIndexOf("/"));
    const mode = permissions.toString(8);
    const kind = type === "char" ? "c" : "b";
    return [
      ...(parent === "/dev" ? [] : [`mkdir -p ${inside(parent)}`]),
      `rm -f ${place} && mknod -m ${mode} ${place} ${kind} ${major} ${minor}`,
      ...(uid === 0 && gid === 0 ? [] : [`chown ${uid}:${gid} ${place}`]),
    ];
  },
  chown: elsewhere,
  symlink: ({ target, path }, { word, inside }) => [`ln -s ${word(target)} ${inside(path)}`],
  write: ({ path, text }, { word, inside }) => [`echo ${word(text)} >${inside(path)}`],
  mask: ({ path }, { inside }) => [`hide ${inside(path)}`],
  "read-only": ({ path }, { inside }) => [`protect ${inside(path)}`],
  "link-up": ({ name }, { word }) => [`ip link set ${word(name)} up`],
  hostname: ({ name }, { word }) => [`hostname ${word(name)}`],
  domainname: ({ name }, { word }) => [`domainname ${word(name)}`],
  session: elsewhere,
  terminal: elsewhere,
  "resource-limit": ({ limit }) => {
    const name = limit.name.replace("RLIMIT_", "").toLowerCase();
    return [`prlimit --pid $$ --${name}=${limitWord(limit.soft)}:${limitWord(limit.hard)}`];
  },
  chdir: ({ path }, { word }) => [`cd ${word(path)}`],
  workdir: ({ path }, { inside }) => [`cd ${inside(path)}`],
  "bounding-set": elsewhere,
  "look-up-user": ({ user, additionalGroups }, words) => userLines(user, additionalGroups, words),
  "own-stdio": elsewhere,
  user: elsewhere,
  capabilities: elsewhere,
  "no-new-privileges": elsewhere,
  seccomp: elsewhere,
  exec: elsewhere,
};

/** The lines of one operation; none when another part of the script does it. */
export function shellStep(action: InitAction, words: ShellWords): readonly string[] {
  // The table has for each op a function of exactly that action; TypeScript cannot follow a lookup
  // by a union.
  const translate = TRANSLATIONS[action.op] as (
    action: InitAction,
    words: ShellWords,
  ) => readonly string[];
  return translate(action, words);
}

/** What is mounted before pivot_root is named by the host's path, the rest by the container's. */
function targetOf(target: string, words: ShellWords): string {
  const asHost = words.word(target);
  return asHost.startsWith("$root") ? asHost : words.inside(target);
}

const OPTIONS: Readonly<Partial<Record<MountFlag, string>>> = {
  MS_RDONLY: "ro",
  MS_NOSUID: "nosuid",
  MS_NODEV: "nodev",
  MS_NOEXEC: "noexec",
  MS_REMOUNT: "remount",
  MS_BIND: "bind",
  MS_STRICTATIME: "strictatime",
  MS_RELATIME: "relatime",
  MS_NOATIME: "noatime",
};

const PROPAGATIONS: Readonly<Partial<Record<MountFlag, string>>> = {
  MS_PRIVATE: "private",
  MS_SLAVE: "slave",
  MS_SHARED: "shared",
  MS_UNBINDABLE: "unbindable",
};

/** @param target as it is to be written */
function mountLine(mount: MountCall, target: string, { word }: ShellWords): string {
  const { flags, fstype, source, data } = mount;
  const propagation = flags.map((flag) => PROPAGATIONS[flag]).find((name) => name !== undefined);
  const isDeep = flags.includes("MS_REC");
  if (propagation !== undefined) return `mount --make-${isDeep ? "r" : ""}${propagation} ${target}`;
  if (flags.includes("MS_BIND") && !flags.includes("MS_REMOUNT")) {
    return `mount --${isDeep ? "r" : ""}bind ${word(source)} ${target}`;
  }
  const options = [...flags.flatMap((flag) => OPTIONS[flag] ?? []), ...(data === "" ? [] : [data])];
  const said = options.length === 0 ? "" : ` -o ${word(options.join(","))}`;
  return fstype === ""
    ? `mount${said} ${target}`
    : `mount -t ${fstype}${said} ${word(source)} ${target}`;
}

function bindLines(
  action: Extract<InitAction, { readonly op: "bind" }>,
  words: ShellWords,
): readonly string[] {
  const { source, path, recursive, flags, propagation } = action;
  const target = words.inside(path);
  const call = { source, target, fstype: "", data: "" };
  const bound: readonly MountFlag[] = recursive ? ["MS_BIND", "MS_REC"] : ["MS_BIND"];
  return [
    `place ${words.word(source)} ${target}`,
    mountLine({ ...call, flags: bound }, target, words),
    ...(flags.length === 0
      ? []
      : [mountLine({ ...call, flags: ["MS_REMOUNT", "MS_BIND", ...flags] }, target, words)]),
    ...(propagation.length === 0
      ? []
      : [mountLine({ ...call, flags: propagation }, target, words)]),
  ];
}

function limitWord(value: number): string {
  return value === Infinity ? "unlimited" : String(value);
}

/** Sets uid, gid, groups and home from the container's own files, as `security/user.ts` does. */
function userLines(
  user: string,
  added: readonly string[],
  { word }: ShellWords,
): readonly string[] {
  const [name = "", group = ""] = user.split(":");
  const isNumber = /^\d*$/.test(name);
  const number = name === "" ? "0" : name;
  const pattern = isNumber ? `^[^:]*:[^:]*:${number}:` : `^${name}:`;
  const otherwise = isNumber ? ` || line=${word(`::${number}:0::/:`)}` : "";
  return [
    `line=$(grep -m 1 ${word(pattern)} $root/etc/passwd)${otherwise}`,
    `IFS=: read -r name _ uid gid _ home _ <<USER`,
    `$line`,
    `USER`,
    ...(group === "" ? [] : [`gid=${groupWord(group, word)}`]),
    `groups=$gid`,
    ...(group === "" ? [`for other in $(groups_of "$name"); do groups=$groups,$other; done`] : []),
    ...added.map((each) => `groups=$groups,${groupWord(each, word)}`),
  ];
}

function groupWord(group: string, word: ShellWords["word"]): string {
  return /^\d+$/.test(group) ? group : `$(gid_of ${word(group)})`;
}
