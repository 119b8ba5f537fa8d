/**
 * Tell: what was done for one container, in a dozen lines, from its journal.
 *
 * The journal has every call; here are the ones that made the container, by concept. Nothing is
 * known beforehand: a namespace, cgroup or layer that the journal lacks is not in the story. The
 * plan of the same container adds where each step was decided.
 */

/**
 * @param told `journal` as `drydock explain --json` prints it, `plan` as `drydock run --plan
 *   --format json` does, `inspected` as `drydock inspect` does, `took` milliseconds of the whole
 *   command
 * @returns the story, as text
 */
export function tell({ journal, plan, inspected, took }) {
  const done = journal.filter(({ effect, errno }) => effect && errno === undefined);
  const story = [
    ...namespaces(done),
    ...cgroups(done),
    ...layers(done),
    ...security(done),
    ...processes(done, inspected),
  ];
  const failed = journal.length - done.length;
  return [
    "What happened, as the kernel saw it:",
    "",
    ...story.map(([concept, text, entry]) => paragraph(concept, text, sources(entry, plan))),
    "",
    `${journal.length} kernel calls in all, ${took} ms for the whole command` +
      `${failed > 0 ? `; ${failed} failed or only looked, and explain shows which` : ""}.`,
  ].join("\n");
}

/** One line of the story, and below it where that was written. */
function paragraph(concept, text, below) {
  return [`  ${concept.padEnd(11)}${text}`, ...below.map((line) => " ".repeat(13) + line)].join(
    "\n",
  );
}

/** Where a step was decided and where it was done, as paths from the root of the clone. */
function sources(entry, plan) {
  const step = plan.find(
    ({ call, concept, args }) =>
      call === entry.call &&
      (entry.concept === undefined || concept === entry.concept) &&
      args[0]?.fstype === entry.args[0]?.fstype,
  );
  const decided = step === undefined ? undefined : inHouse(step.source);
  const did = entry.source === undefined ? undefined : inHouse(entry.source);
  if (decided === undefined || did?.startsWith(decided)) return [did].filter(Boolean);
  return [`decided in ${decided}`, ...(did === undefined ? [] : [`done in ${did}`])];
}

/** Sources are named from the runtime's directory or the clone's; readers start from the latter. */
function inHouse(source) {
  return source.startsWith("src/") ? `runtime/${source}` : source;
}

/** Clone flags as people say them. */
const namespaceNames = {
  CLONE_NEWNS: "mount",
  CLONE_NEWUTS: "uts",
  CLONE_NEWIPC: "ipc",
  CLONE_NEWNET: "net",
  CLONE_NEWPID: "pid",
  CLONE_NEWCGROUP: "cgroup",
  CLONE_NEWUSER: "user",
  CLONE_NEWTIME: "time",
};

function namespaces(done) {
  const fork = done.filter(({ call, args }) => call === "spawn" && args[0]?.pidNamespace === "new");
  const unshared = done.filter(({ call }) => call === "unshare");
  return [
    ...fork.map((entry) => ["namespaces", "pid: its first process is number 1", entry]),
    ...unshared.map((entry) => {
      const names = entry.args[0].map((flag) => namespaceNames[flag] ?? flag).join(", ");
      return ["namespaces", `${names}: its own view of each`, entry];
    }),
  ];
}

function cgroups(done) {
  const made = done.filter(
    ({ call, args, where }) =>
      call === "mkdir" && where === "engine" && String(args[0]).startsWith("/sys/fs/cgroup/"),
  );
  if (made.length === 0) return [];
  const shown = made.find(({ args }) => args[0].includes("/memory/")) ?? made.at(-1);
  const count = made.length === 1 ? "" : `, and in ${made.length - 1} other hierarchies`;
  return [["cgroup", `${shortened(shown.args[0])}${count}`, shown]];
}

function layers(done) {
  const overlay = done.find(({ call, args }) => call === "mount" && args[0]?.fstype === "overlay");
  if (overlay === undefined) return [];
  const lower = /lowerdir=([^,]*)/.exec(overlay.args[0].data)?.[1]?.split(":").length ?? 0;
  const below = `${lower} read-only layer${lower === 1 ? "" : "s"} of the image`;
  return [["layers", `overlay: ${below}, one above for what it writes`, overlay]];
}

function security(done) {
  const sets = done.find(({ call }) => call === "setCapabilities");
  const filter = done.find(({ call }) => call === "installSeccomp");
  const lines = [];
  if (sets !== undefined) {
    const kept = sets.args[0]?.bounding?.length;
    lines.push(["security", `capabilities: ${kept} of root's privileges, no others`, sets]);
  }
  if (filter !== undefined) {
    const size = filter.args[0]?.instructions;
    lines.push(["security", `seccomp: ${size} instructions judge every system call`, filter]);
  }
  return lines;
}

function processes(done, inspected) {
  const exec = done.find(({ call }) => call === "execve");
  if (exec === undefined) return [];
  const pid = exec.hostPid === undefined ? "" : `${exec.hostPid} on the host, 1 inside: `;
  const program = `${pid}became ${exec.args[0]}`;
  return [["process", `${program}, ended with ${inspected.State.ExitCode}`, exec]];
}

/** A path with the long id in it cut to the twelve digits that Docker shows. */
function shortened(path) {
  return path.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");
}
