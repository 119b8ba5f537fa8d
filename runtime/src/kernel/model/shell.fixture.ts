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

/** One command. @returns its exit code */
async function run(context: ProgramContext, command: string): Promise<number> {
  const toStderr = command.endsWith(">&2");
  const [name = "", ...words] = command
    .replace(/>&2$/, "")
    .trim()
    .split(/ +/)
    .map((word) => expand(context, word));
  if (name === "echo") {
    (toStderr ? context.stderr : context.stdout).write(encode(`${words.join(" ")}\n`));
    return 0;
  }
  if (name === "cat") return cat(context);
  if (name === "head") return head(context, words);
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
