/**
 * Completion: the catalog and its flags as scripts for shells.
 *
 * Kernel interface: none.
 * Specification: bash(1), zshcompsys(1), fish complete(1).
 * Invariants: none.
 * Left out: values of flags.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Catalog, Command } from "./command.ts";
import { GROUPS } from "./names.ts";

/** A command with what completion needs of it. */
interface Known {
  readonly name: string;
  readonly summary: string;
  readonly command: Command;
}

type Writer = (commands: readonly Known[]) => string;

const WRITERS: Readonly<Record<string, Writer>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The shells there is a script for. */
export function completionShells(): readonly string[] {
  return Object.keys(WRITERS);
}

/** The script for a shell; undefined for one that is not known. */
export async function completionScript(
  catalog: Catalog,
  shell: string,
): Promise<string | undefined> {
  const writer = Object.hasOwn(WRITERS, shell) ? WRITERS[shell] : undefined;
  if (writer === undefined) return undefined;
  const known = await Promise.all(
    catalog.map(async (entry) => ({ entry, command: await entry.load() })),
  );
  return writer(
    known.flatMap(({ entry, command }) =>
      entry.names.map((name) => ({ name: name.join(" "), summary: entry.summary, command })),
    ),
  );
}

function flagWords({ flags }: Command): string[] {
  return [...flags, { name: "help", short: undefined }].flatMap(({ name, short }) =>
    short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`],
  );
}

/** The command line that prints the words which complete an argument. */
function wordsCommand(command: Command): string {
  switch (command.completes) {
    case "containers":
      return "drydock ps -a --format '{{.Names}}' 2>/dev/null";
    case "running-containers":
      return "drydock ps --format '{{.Names}}' 2>/dev/null";
    case "images":
      return "drydock images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null";
    default:
      return ":";
  }
}

function bashScript(commands: readonly Known[]): string {
  const cases = commands.map(
    ({ name, command }) =>
      `    "${name}") flags="${flagWords(command).join(" ")}"; words="$(${wordsCommand(command)})" ;;`,
  );
  return `# bash completion for drydock, written by \`drydock completion bash\`
_drydock() {
  local current="\${COMP_WORDS[COMP_CWORD]}" name="" word flags="" words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *)
      case " ${[...GROUPS.keys()].join(" ")} " in *" $name "*) name="$name $word"; break ;; esac
      [ -z "$name" ] && name="$word" || break ;;
    esac
  done
  case "$name" in
    "") words="${topWords(commands)}"; flags="-H --host --version --help" ;;
${[...GROUPS.keys()].map((group) => `    "${group}") words="${groupWords(commands, group)}" ;;`).join("\n")}
${cases.join("\n")}
  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o default -F _drydock drydock
`;
}

function topWords(commands: readonly Known[]): string {
  const names = commands.map(({ name }) => name).filter((name) => !name.includes(" "));
  return [...names, ...GROUPS.keys()].join(" ");
}

function groupWords(commands: readonly Known[], group: string): string {
  return commands
    .filter(({ name }) => name.startsWith(`${group} `))
    .map(({ name }) => name.slice(group.length + 1))
    .join(" ");
}

/** zsh runs bash's functions through its own emulation. */
function zshScript(commands: readonly Known[]): string {
  return `#compdef drydock
# zsh completion for drydock, written by \`drydock completion zsh\`
autoload -U +X compinit && compinit
autoload -U +X bashcompinit && bashcompinit
${bashScript(commands).split("\n").slice(1).join("\n")}`;
}

function fishScript(commands: readonly Known[]): string {
  const groups = [...GROUPS].map(([group, summary]) =>
    fishLine("__fish_use_subcommand", `-f -a ${group} -d ${fishQuote(summary)}`),
  );
  const lines = commands.flatMap((each) => [fishCommand(each), ...fishFlags(each)]);
  const head = "# fish completion for drydock, written by `drydock completion fish`";
  return `${[head, ...groups, ...lines].join("\n")}\n`;
}

function fishLine(condition: string, rest: string): string {
  return `complete -c drydock -n ${condition} ${rest}`;
}

function fishQuote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function fishCommand({ name, summary }: Known): string {
  const [first = "", second] = name.split(" ");
  const place =
    second === undefined
      ? "__fish_use_subcommand"
      : `"__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${second}"`;
  return fishLine(place, `-f -a ${second ?? first} -d ${fishQuote(summary)}`);
}

function fishFlags({ name, command }: Known): string[] {
  const seen = `"__fish_seen_subcommand_from ${name.split(" ").at(-1) ?? ""}"`;
  const flags = command.flags.map((flag) => {
    const short = flag.short === undefined ? "" : ` -s ${flag.short}`;
    const value = flag.kind === "bool" ? "" : " -r";
    return fishLine(seen, `-l ${flag.name}${short}${value} -d ${fishQuote(flag.help)}`);
  });
  const words = wordsCommand(command);
  return words === ":" ? flags : [...flags, fishLine(seen, `-f -a ${fishQuote(`(${words})`)}`)];
}
