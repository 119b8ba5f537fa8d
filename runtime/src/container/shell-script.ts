/**
 * Shell script: the plan of a container, as a script that does it by hand.
 *
 * Nothing that an engine does needs an engine. The script takes the steps of the plan with the
 * tools that every Linux has: unshare(1), mount(8), pivot_root(8), setpriv(1). The order is the
 * plan's but for one thing. A shell gets its tools from the root that it has, and pivot_root takes
 * them away. So the process sheds its privileges first and waits, and somebody outside, who still
 * has tools, puts the machine's files out of its reach:
 *
 *     outside                                inside
 *     cgroup, files                          unshare: process 1, own mounts, name, network
 *                                            mounts, devices, name, cgroup
 *                                            setpriv: less power
 *        ◀───────────────── ready ───────────
 *     pivot_root, umount the old root
 *        ────────────────── go ─────────────▶
 *                                            exec
 *
 * Kernel interface: as the tools' manual pages say.
 * Specification: POSIX.1-2017, Shell Command Language.
 * Invariants: none; `runtime/test/as-shell.test.ts` runs a script beside a container.
 * Left out: seccomp, which no common tool installs; a session and a terminal of its own; a user
 *   namespace, which needs maps written by somebody outside.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */

import type { CgroupStep } from "../cgroups/index.ts";
import { RuntimeError } from "../errors/index.ts";
import type { HostPid, NamespaceFlag } from "../kernel/index.ts";
import { shellLine } from "../wire/index.ts";
import type { InitAction, InitPlan, InitStep } from "./init-plan.ts";
import type { ContainerPlan } from "./plan.ts";
import { shellStep, shellWords, type ShellWords } from "./shell-steps.ts";

/** What the script is for, beside the plan. */
export interface ShellRequest {
  readonly plan: Pick<ContainerPlan, "init" | "cgroup" | "pidNamespace" | "idMaps">;
  readonly id: string;
  /** The container's directory, which the script makes somewhere else. */
  readonly directory: string;
  /** Where the layers are mounted, below it. */
  readonly rootfs: string;
  /** Directories below it, and files with their text. */
  readonly directories: readonly string[];
  readonly files: readonly { readonly path: string; readonly text: string }[];
}

/**
 * The script. Pure.
 *
 * @throws RuntimeError feature-unsupported for a container with a user namespace of its own
 */
export function shellScript(request: ShellRequest): string {
  const { plan, id } = request;
  if (plan.idMaps !== null) throw noUserNamespace(id);
  const words = shellWords(request);
  const inside = insideLines(plan.init, words);
  const mark = inside.some((line) => line.split("\n").includes("INSIDE"))
    ? `INSIDE_${id}`
    : "INSIDE";
  return [
    ...headLines(id),
    ...fileLines(request, words),
    ...cgroupLines(plan.cgroup.steps, words),
    ...OUTSIDE,
    "",
    "# What the new process does.",
    `inside=$(cat <<'${mark}'`,
    ...FUNCTIONS,
    ...inside,
    mark,
    ")",
    "export id dir root setpriv",
    "",
    "# The new process: itself the first in its namespaces.",
    `${birthLine(plan)} sh -euc "$inside"`,
    "",
  ].join("\n");
}

function noUserNamespace(id: string): RuntimeError {
  return new RuntimeError({
    code: "feature-unsupported",
    class: "not-implemented",
    message: "a container with a user namespace of its own cannot be written as a script",
    operation: "write a script",
    subject: id,
    hint: "Its id maps are written from outside between two steps: --plan shows where.",
  });
}

function headLines(id: string): readonly string[] {
  return [
    "#!/bin/sh",
    "# A container by hand: what `drydock run` would do, with the tools of this machine.",
    "# As root. The image's layers must be unpacked: the first `drydock create` of it does that.",
    "# Left out: the filter on system calls, which no common tool installs; a session and a",
    "# terminal of its own: it has yours.",
    "set -eu",
    "",
    `id=${id}`,
    "dir=$(mktemp -d /tmp/by-hand.XXXXXX)",
    "root=$dir/rootfs",
    "setpriv=$(command -v setpriv)",
  ];
}

function fileLines({ directories, files }: ShellRequest, { word }: ShellWords): readonly string[] {
  return [
    "",
    "# Its directory: the files that name it, and a layer of its own for what it changes.",
    "chmod 711 $dir",
    `mkdir ${directories.map(word).join(" ")}`,
    ...files.map(({ path, text }) => `printf %s ${shellLine([text])} >${word(path)}`),
  ];
}

function cgroupLines(steps: readonly CgroupStep[], { word }: ShellWords): readonly string[] {
  const made = steps.flatMap((step) => (step.kind === "mkdir" ? [word(step.path)] : []));
  return [
    "",
    "# Its share: a directory in each hierarchy, limits in files.",
    ...steps.flatMap((step) =>
      step.kind === "mkdir"
        ? [`mkdir -p ${word(step.path)}`]
        : writeLines(step.texts.map(word), word(step.path)),
    ),
    "",
    "# What is left of it goes when it has ended.",
    "helper=",
    `trap 'kill $helper 2>/dev/null || :; rm -rf $dir; rmdir ${made.toReversed().join(" ")}' EXIT`,
  ];
}

/** Each text is one write: the kernel takes one rule at a time. */
function writeLines(texts: readonly string[], path: string): readonly string[] {
  if (texts.length < 3) return texts.map((text) => `echo ${text} >${path}`);
  return [`for rule in ${texts.join(" ")}; do`, `  echo "$rule" >${path}`, "done"];
}

/** What the process cannot do for itself, since a shell loses its tools with its root. */
const OUTSIDE: readonly string[] = [
  "",
  "# From outside, once it is ready: put the files of this machine out of its reach.",
  "mkfifo $dir/ready $dir/go",
  "{",
  "  read -r pid <$dir/ready",
  '  nsenter --target "$pid" --mount sh -c "cd $root && pivot_root . ."',
  '  nsenter --target "$pid" --mount umount --lazy /',
  "  echo go >$dir/go",
  "} &",
  "helper=$!",
];

/** What several lines of it use. */
const FUNCTIONS: readonly string[] = [
  "# A mount stands on what it is: a directory on a directory, a file on a file.",
  "place() {",
  '  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "${2%/*}"; [ -e "$2" ] || : >"$2"; fi',
  "}",
  "hide() {",
  '  if [ -d "$1" ]; then mount -t tmpfs -o ro tmpfs "$1"',
  '  elif [ -e "$1" ]; then mount --bind $root/dev/null "$1"; fi',
  "}",
  "protect() {",
  '  [ -e "$1" ] || return 0',
  '  mount --rbind "$1" "$1"',
  '  mount -o remount,bind,ro,nosuid,nodev,noexec "$1"',
  "}",
  'gid_of() { grep -m 1 "^$1:" $root/etc/group | cut -d: -f3; }',
  "groups_of() {",
  `  awk -F: -v name="$1" 'name != "" && index("," $4 ",", "," name ",") { print $3 }' \\`,
  "    $root/etc/group",
  "}",
];

/** The steps of init, each below what it is for. */
function insideLines(init: InitPlan, words: ShellWords): readonly string[] {
  let before = "";
  const lines = init.flatMap((step) => {
    const mine = step.op === "join-cgroups" ? joinLines(init, words) : shellStep(step, words);
    if (mine.length === 0) return [];
    const title = step.why === before ? [] : ["", `# ${step.why}`];
    before = step.why;
    return [...title, ...mine];
  });
  return [...lines, ...lastLines(init, words)];
}

function joinLines(init: InitPlan, { word }: ShellWords): readonly string[] {
  const paths = only(init, "open-cgroups").flatMap((step) => step.paths);
  return [`for file in ${paths.map(word).join(" ")}; do`, '  echo 0 >"$file"', "done"];
}

/** Less power, the wait for who pivots the root, and the program. */
function lastLines(init: InitPlan, { word }: ShellWords): readonly string[] {
  const [exec] = only(init, "exec");
  if (exec === undefined) throw new Error("bug: a plan that does not end with exec");
  const { argv, env } = exec;
  const hasHome = env.some((variable) => variable.startsWith("HOME=") && variable !== "HOME=");
  const variables = env.filter((variable) => hasHome || !variable.startsWith("HOME=")).map(word);
  const home = hasHome ? [] : ['HOME="$home"'];
  const view = cgroupView(init);
  return [
    "",
    "# less power, then wait until the root is changed, then become the program",
    "read -r pid _ </proc/self/stat",
    "exec 3<>$dir/go 4>$dir/ready",
    `exec env -i ${[...variables, ...home].join(" ")} ${view}$setpriv \\`,
    ...privilegeOptions(init).map((option) => `  ${option} \\`),
    `  sh -c 'echo "$0" >&4; read -r _ <&3; exec 3<&- 4>&-; unset PWD OLDPWD; exec "$@"' \\`,
    `  "$pid" ${argv.map(word).join(" ")}`,
  ];
}

function cgroupView(init: InitPlan): string {
  const isPrivate = only(init, "unshare").some(({ flags }) => flags.includes("CLONE_NEWCGROUP"));
  return isPrivate ? "unshare --cgroup " : "";
}

/** Options of setpriv(1): who the process is and what it may do. */
function privilegeOptions(init: InitPlan): readonly string[] {
  const bounding = only(init, "bounding-set").flatMap(({ capabilities }) => capabilities);
  const inheritable = only(init, "capabilities").flatMap(({ root }) => root.inheritable);
  const sealed = only(init, "no-new-privileges").length > 0;
  return [
    '--reuid "$uid" --regid "$gid" --groups "$groups"',
    `--bounding-set ${capabilityList(bounding)}`,
    `--inh-caps ${capabilityList(inheritable)}`,
    ...(sealed ? ["--no-new-privs"] : []),
    "--pdeathsig KILL",
  ];
}

function capabilityList(names: readonly string[]): string {
  return ["-all", ...names.map((name) => `+${name.replace("CAP_", "").toLowerCase()}`)].join(",");
}

const JOIN_OPTIONS: Readonly<Partial<Record<NamespaceFlag, string>>> = {
  CLONE_NEWNS: "--mount",
  CLONE_NEWUTS: "--uts",
  CLONE_NEWIPC: "--ipc",
  CLONE_NEWNET: "--net",
  CLONE_NEWPID: "--pid",
  CLONE_NEWCGROUP: "--cgroup",
};

/** nsenter(1) for what is shared with other containers, unshare(1) for what is its own. */
function birthLine({ init, pidNamespace }: ShellRequest["plan"]): string {
  const joins = only(init, "join-namespaces").map(({ hostPid, flags }) => joinLine(hostPid, flags));
  const shared = typeof pidNamespace === "number" ? [joinLine(pidNamespace, ["CLONE_NEWPID"])] : [];
  const own = only(init, "unshare")
    .flatMap(({ flags }) => flags)
    .filter((flag) => flag !== "CLONE_NEWCGROUP");
  const process = pidNamespace === "new" ? ["--fork --pid --kill-child"] : [];
  const created = [...process, ...own.map((flag) => JOIN_OPTIONS[flag] ?? "")];
  return [...joins, ...shared, ["unshare", ...created].join(" ")].join(" ");
}

function joinLine(pid: HostPid, flags: readonly NamespaceFlag[]): string {
  return `nsenter --target ${pid} ${flags.map((flag) => JOIN_OPTIONS[flag] ?? "").join(" ")}`;
}

/** The steps of one kind. */
function only<Op extends InitAction["op"]>(
  init: InitPlan,
  op: Op,
): readonly Extract<InitStep, { readonly op: Op }>[] {
  return init.filter((step): step is Extract<InitStep, { readonly op: Op }> => step.op === op);
}
