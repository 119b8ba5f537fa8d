/**
 * As much of a shell as the scripts of the conformance suite need: words, variables, `;` and `&`,
 * output to stderr, and the commands that they name.
 */
import type { ModelProgram, ProgramContext } from "./index.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** `sleep`: waits, for good as far as a test can tell. */
const sleep: ModelProgram = () => new Promise(() => undefined);

async function write(context: ProgramContext, bytes: Uint8Array): Promise<void> {
  if (!context.stdout.write(bytes)) await context.stdout.drained();
}

async function cat(context: ProgramContext): Promise<number> {
  const pending: Promise<void>[] = [];
  await new Promise<void>((resolve) => {
    context.stdin.listen((bytes) => pending.push(write(context, bytes)), resolve);
  });
  await Promise.all(pending);
  return 0;
}

const CHUNK_BYTES = 65_536;

/** `head -c COUNT FILE` */
async function head(context: ProgramContext, [, count, path = ""]: readonly string[]) {
  for (let rest = Number(count); rest > 0; rest -= CHUNK_BYTES) {
    await write(context, context.kernel.readRange(path, 0, Math.min(rest, CHUNK_BYTES)));
  }
  return 0;
}

function expand(context: ProgramContext, word: string): string {
  return word
    .replace(/^"(.*)"$/, "$1")
    .replaceAll("$$", () => String(context.kernel.identity().hostPid))
    .replaceAll("$PPID", () => String(context.parentPid()))
    .replace(/\$(\w+)/g, (_, name: string) => {
      const found = context.env.find((each) => each.startsWith(`${name}=`));
      return found?.slice(name.length + 1) ?? "";
    });
}

/** One line of its input, byte by byte: what follows is for others. */
async function readLine(context: ProgramContext): Promise<string> {
  let line = "";
  for (;;) {
    const byte = await context.read(context.stdin, 1);
    const letter = new TextDecoder().decode(byte);
    if (letter === "" || letter === "\n") return line;
    line += letter;
  }
}

type Command = (context: ProgramContext, words: readonly string[]) => number | Promise<number>;

/** The commands that tell about descriptors and terminals. */
const COMMANDS: Readonly<Record<string, Command>> = {
  read: async (context, [name]) => {
    (context.env as string[]).push(`${name}=${await readLine(context)}`); // its own copy
    return 0;
  },
  stty: (context) => {
    const size = context.terminal(context.stdin)?.size();
    context.stdout.write(encode(`${size?.rows} ${size?.columns}\n`));
    return 0;
  },
  tty: (context) => {
    context.stdout.write(encode(`${context.terminal(context.stdin)?.path}\n`));
    return 0;
  },
  cat,
  head,
  // `echo WORD …` or `echo WORD <FILE >FILE`
  echo: (context, words) => {
    const [from, to] = words.at(-1)?.startsWith(">/") === true ? words.slice(-2) : [];
    if (from !== undefined) context.openSource(from.slice(1));
    const sink = to === undefined ? context.stdout : context.openSink(to.slice(1), "create");
    const said = to === undefined ? words : words.slice(0, -2);
    sink.write(encode(`${said.join(" ")}\n`));
    return 0;
  },
  // `ls DIRECTORY | wc -l`
  ls: ({ kernel, stdout }, [directory = ""]) => {
    stdout.write(encode(`${kernel.readdir(directory).length}\n`));
    return 0;
  },
  // `grep -E FORM FILE`
  grep: ({ kernel, stdout }, [, form = "", path = ""]) => {
    const lines = kernel.readText(path).split("\n");
    const expression = new RegExp(form.replaceAll("'", ""));
    stdout.write(encode(`${lines.filter((line) => expression.test(line)).join("\n")}\n`));
    return 0;
  },
  // `cut -d' ' -fN FILE`
  cut: ({ kernel, stdout }, words) => {
    const field = Number(words.find((word) => word.startsWith("-f"))?.slice(2));
    stdout.write(encode(`${kernel.readText(words.at(-1) ?? "").split(" ")[field - 1]}\n`));
    return 0;
  },
};

/** One command. @returns its exit code */
async function run(context: ProgramContext, command: string): Promise<number> {
  const toStderr = command.endsWith(">&2");
  const [name = "", ...words] = command
    .replace(/>&2$/, "")
    .trim()
    .split(/ +/)
    .map((word) => expand(context, word));
  const known = COMMANDS[name];
  if (known !== undefined)
    return known(toStderr ? { ...context, stdout: context.stderr } : context, words);
  if (name === "exec" || name === "sleep") return sleep(context);
  throw new Error(`${name} is not known`);
}

/** `sh -c SCRIPT` */
const sh: ModelProgram = async (context) => {
  let code = 0;
  const script = context.argv[2] ?? "";
  for (const [, command = "", end] of script.matchAll(/((?:>&2|[^;&])+)([;&]?)/g)) {
    const exit = /^exit (\d+)$/.exec(command.trim());
    if (exit !== null) return Number(exit[1]);
    if (end === "&") {
      const options = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
      context.kernel.spawn(options, ({ kernel }) => kernel.execve("/bin/sleep", ["sleep"], []));
    } else code = await run(context, command.trim());
  }
  return code;
};

/** The programs by name. */
export const PROGRAMS: Readonly<Record<string, ModelProgram>> = { sh, sleep };
