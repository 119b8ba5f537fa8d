/**
 * Main: from the words of a command line to an exit code.
 *
 * Global flags, the command's name, its own flags and arguments, then its code; whatever it throws
 * becomes Docker's line on standard error and Docker's exit code.
 *
 * Kernel interface: execve(2) (argv, environ), exit_group(2).
 * Specification: docker CLI reference.
 * Invariants: none.
 * Left out: plugins.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { nearest } from "../errors/index.ts";
import { createApi, type Api } from "./api.ts";
import { CATALOG } from "./catalog.ts";
import type { CatalogEntry, Command, Context, Input } from "./command.ts";
import type { Console } from "./console.ts";
import { chooseEndpoint, type Surroundings } from "./endpoint.ts";
import { Failure, messageOf, renderFailure } from "./failure.ts";
import { GLOBAL_FLAGS } from "./global-flags.ts";
import { GrammarFailure, HelpWanted, parseWords, type Flag, type Flags } from "./grammar.ts";
import { GROUPS, findCommand, namesIn } from "./names.ts";
import { PROGRAM_VERSION, type Program } from "./program.ts";

/**
 * Runs one command line.
 *
 * @param words without the program's own name
 * @returns the exit code
 */
export async function main(program: Program, words: readonly string[]): Promise<number> {
  let debug = false;
  try {
    const { flags, args } = parseGlobals(words);
    debug = flags.bool("debug");
    if (flags.bool("version")) {
      program.console.out.write(`drydock version ${PROGRAM_VERSION}\n`);
      return 0;
    }
    if (flags.bool("help")) return await printHelp(program.console, []);
    return await dispatch(program, flags, args);
  } catch (thrown) {
    return report(program.console, thrown, debug);
  }
}

function parseGlobals(words: readonly string[]): { flags: Flags; args: readonly string[] } {
  try {
    return parseWords({ flags: GLOBAL_FLAGS, interspersed: false }, words);
  } catch (thrown) {
    if (thrown instanceof HelpWanted) {
      return parseWords({ flags: GLOBAL_FLAGS, interspersed: false }, ["--help"]);
    }
    throw withUsage(thrown, "drydock [OPTIONS] COMMAND [ARG...]", "drydock --help");
  }
}

async function dispatch(
  program: Program,
  globals: Flags,
  words: readonly string[],
): Promise<number> {
  const [first] = words;
  if (first === undefined) {
    program.console.err.write(await helpText([]));
    return 0;
  }
  const named = GROUPS.has(first) ? words.slice(0, 2) : [first];
  const entry = findCommand(CATALOG, named);
  if (entry !== undefined) {
    return runCommand(program, globals, { entry, named, rest: words.slice(named.length) });
  }
  if (GROUPS.has(first)) return dispatchGroup(program.console, first, named[1]);
  throw new Failure({
    message: `drydock: unknown command: drydock ${first}`,
    exitCode: 1,
    hint: didYouMean(nearest(first, namesIn(CATALOG, undefined))),
    seeAlso: "drydock --help",
  });
}

async function dispatchGroup(
  console: Console,
  group: string,
  word: string | undefined,
): Promise<number> {
  if (word === undefined) {
    console.err.write(await helpText([group]));
    return 0;
  }
  if (word === "--help" || word === "-h") return printHelp(console, [group]);
  const flagged = word.startsWith("-");
  if (flagged) parseWords({ flags: [], interspersed: false }, [word]);
  // People write `docker image images`: the group already says what is listed.
  const top = namesIn(CATALOG, undefined).includes(word) ? `drydock ${word}` : undefined;
  const inside = nearest(word, namesIn(CATALOG, group));
  throw new Failure({
    message: `drydock: unknown command: drydock ${group} ${word}`,
    exitCode: 1,
    hint: didYouMean(inside === undefined ? top : `drydock ${group} ${inside}`),
    usage: `drydock ${group} COMMAND`,
    seeAlso: `drydock ${group} --help`,
  });
}

function didYouMean(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `Did you mean ${name}?`;
}

interface Chosen {
  readonly entry: CatalogEntry;
  readonly named: readonly string[];
  readonly rest: readonly string[];
}

async function runCommand(program: Program, globals: Flags, chosen: Chosen): Promise<number> {
  const command = await chosen.entry.load();
  const commandLine = ["drydock", ...chosen.named].join(" ");
  const { console } = program;
  const around = { globals, console, contexts: program.openContexts?.(globals.text("config")) };
  let api: Api | undefined;
  const context: Context = {
    program,
    catalog: CATALOG,
    console,
    commandLine,
    around,
    get api() {
      return (api ??= openApi(program, around));
    },
  };
  try {
    const input = inputOf(command, chosen.rest);
    await checkArguments(commandLine, command, input.args);
    return await command.run(context, input);
  } catch (thrown) {
    if (thrown instanceof HelpWanted) return printHelp(program.console, chosen.named);
    if (!(thrown instanceof GrammarFailure)) throw thrown;
    const { usageLine } = await import("./help.ts");
    throw withUsage(thrown, usageLine(commandLine, command), `${commandLine} --help`);
  }
}

/** @throws HelpWanted, GrammarFailure */
function inputOf(command: Command, words: readonly string[]): Input {
  const flags = [...command.flags, HELP_FLAG];
  if (command.readsWords === true) {
    if (words.includes("--help") || words.includes("-h")) throw new HelpWanted();
    return { ...parseWords({ flags, interspersed: true }, []), args: words };
  }
  const input = parseWords({ flags, interspersed: command.interspersed }, words);
  if (input.flags.bool("help")) throw new HelpWanted();
  return input;
}

const HELP_FLAG: Flag = { name: "help", kind: "bool", help: "Print this help" };

async function checkArguments(
  commandLine: string,
  command: Command,
  args: readonly string[],
): Promise<void> {
  const [least, most] = command.arity;
  if (args.length >= least && args.length <= most) return;
  const { checkArity } = await import("./help.ts");
  checkArity(commandLine, command, args);
}

function openApi(program: Program, around: Surroundings): Api {
  const endpoint = chooseEndpoint(around);
  const pinned = program.console.env["DOCKER_API_VERSION"] || undefined;
  return createApi(endpoint.host, program.connect(endpoint), pinned);
}

async function printHelp(console: Console, named: readonly string[]): Promise<number> {
  const { showHelp } = await import("./show-help.ts");
  return showHelp(console, CATALOG, named);
}

async function helpText(named: readonly string[]): Promise<string> {
  const show = await import("./show-help.ts");
  return show.helpText(CATALOG, named);
}

function withUsage(thrown: unknown, usage: string, seeAlso: string): unknown {
  if (!(thrown instanceof Failure)) return thrown;
  const { message, exitCode, hint } = thrown;
  return new Failure({ message, exitCode, hint, usage, seeAlso, cause: thrown });
}

function report(console: Console, thrown: unknown, debug: boolean): number {
  if (thrown instanceof Failure) {
    if (thrown.message !== "") console.err.write(renderFailure(thrown));
    return thrown.exitCode;
  }
  console.err.write(`drydock: ${messageOf(thrown)}\n`);
  if (debug && thrown instanceof Error) console.err.write(`${thrown.stack ?? ""}\n`);
  return 1;
}
