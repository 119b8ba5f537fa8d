/**
 * Tell: what was done for one container, in a dozen lines, from its journal.
 *
 * The journal has every call; here are the ones that made the container, by concept. Nothing is
 * known beforehand: a namespace, cgroup or layer that the journal lacks is not in the story.
 */

/**
 * @param told `journal` as `drydock explain --json` prints it, `inspected` as `drydock inspect` does,
 *   `took` milliseconds of the whole command
 * @returns the story, as text
 */
export function tell({ journal, inspected, took }) {
  const done = journal.filter(({ effect, errno }) => effect && errno === undefined);
  const lines = [
    ...namespaces(done),
    ...cgroups(done),
    ...layers(done),
    ...security(done),
    ...processes(done, inspected),
  ];
  const failed = journal.filter(({ errno }) => errno !== undefined).length;
  return [
    "What happened, as the kernel saw it:",
    "",
    ...lines.map(([concept, text, entry]) => line(concept, text, entry)),
    "",
    `${journal.length} kernel calls, ${done.length} of which changed something` +
      `${failed > 0 ? `, ${failed} of which failed and were expected to` : ""}; ` +
      `${took} ms for the whole command.`,
  ].join("\n");
}

/** One line of the story, and below it where it was written. */
function line(concept, text, { source }) {
  const file = source === undefined ? "" : `\n${" ".repeat(13)}${inHouse(source)}`;
  return `  ${concept.padEnd(11)}${text}${file}`;
}

/** Sources are named from the runtime's directory; readers start from the clone's. */
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
  const lines = [];
  const fork = done.find(({ call, args }) => call === "spawn" && args[0]?.pidNamespace === "new");
  if (fork !== undefined)
    lines.push(["namespaces", "pid: the container's first process is its number 1", fork]);
  for (const entry of done.filter(({ call }) => call === "unshare")) {
    const names = entry.args[0].map((flag) => namespaceNames[flag] ?? flag).join(", ");
    lines.push(["namespaces", `${names}: views of its own`, entry]);
  }
  return lines;
}

function cgroups(done) {
  const made = done.filter(({ call, concept }) => call === "mkdir" && concept === "cgroups");
  if (made.length === 0) return [];
  const paths = made.map(({ args }) => String(args[0]));
  const deepest = paths.toSorted((a, b) => b.length - a.length)[0];
  const own = deepest.split("/").at(-1);
  const hierarchies = paths.filter((path) => path.endsWith(`/${own}`)).length;
  const count =
    hierarchies === 1 ? "one cgroup" : `one cgroup in each of ${hierarchies} hierarchies`;
  return [["cgroup", `${count}, for example ${shortened(deepest)}`, made.at(-1)]];
}

function layers(done) {
  const overlay = done.find(({ call, args }) => call === "mount" && args[0]?.fstype === "overlay");
  if (overlay === undefined) return [];
  const lower = /lowerdir=([^,]*)/.exec(overlay.args[0].data)?.[1]?.split(":").length ?? 0;
  const below = `${lower} read-only layer${lower === 1 ? "" : "s"} of the image`;
  return [["layers", `overlay: ${below}, and one above for what the container writes`, overlay]];
}

function security(done) {
  const filter = done.find(({ call }) => call === "installSeccomp");
  const sets = done.find(({ call }) => call === "setCapabilities");
  const lines = [];
  if (sets !== undefined) {
    const count = sets.args[0]?.bounding?.length;
    lines.push([
      "security",
      `capabilities: ${count ?? "some"} of root's privileges, the rest is dropped`,
      sets,
    ]);
  }
  if (filter !== undefined)
    lines.push(["security", "seccomp: a filter on every system call", filter]);
  return lines;
}

function processes(done, inspected) {
  const exec = done.find(({ call }) => call === "execve");
  if (exec === undefined) return [];
  const pid = exec.hostPid === undefined ? "" : `process ${exec.hostPid} on the host, 1 inside, `;
  const program = `${pid}became ${exec.args[0]}`;
  return [["process", `${program} and ended with ${inspected.State.ExitCode}`, exec]];
}

/** A path with the long id in it cut to the twelve digits that Docker shows. */
function shortened(path) {
  return path.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");
}
