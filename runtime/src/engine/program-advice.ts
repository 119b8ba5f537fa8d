/**
 * Program advice: why a command cannot run, by a look into the container's files.
 *
 * execve(2) answers with one word. ENOENT may mean that there is no such file, that the first line
 * of a script names an interpreter that is not there (or is, but for an invisible carriage return),
 * or that a program wants a dynamic loader that the image lacks. Here the files are asked: what was
 * looked at, what is wrong with it, what to do.
 *
 * Clients derive the exit code from the words of an error (`cli/exit-code.ts`), from any of its
 * lines: what is said here must not sound like another error than the first line's.
 *
 * Kernel interface: execve(2), "Interpreter scripts"; elf(5); environ(7).
 * Specification: docker run reference, "Exit status".
 * Invariants:
 *   advice-keeps-the-exit-code   whatever is advised, clients derive the same exit code as from the
 *       first line alone
 * Left out: libraries that the dynamic loader would miss, which it says itself.
 * Docs: docs/concepts/errors.md
 *
 * @module
 */

import { nearest } from "../errors/index.ts";
import { parseElfHead } from "../images/index.ts";
import type { ContainerView } from "./container-view.ts";

/** What was tried in vain. */
export interface FailedCommand {
  readonly command: string;
  /** The value of PATH in the container. */
  readonly path: string;
  readonly workingDir: string;
  /** As the request names it; empty: root. */
  readonly user: string;
  /** Of this machine, in Go's words: "amd64". */
  readonly architecture: string;
}

const HEAD_BYTES = 4096;

/**
 * Lines that follow the error's own: what was seen, and what to do. Pure but for the view.
 *
 * @returns empty when nothing was found that explains it
 */
export function adviceFor(view: ContainerView, failed: FailedCommand): readonly string[] {
  const { command } = failed;
  if (command.includes(" ")) {
    const words = command.split(/\s+/u).map((word) => JSON.stringify(word));
    const isThere = view.stat(inDirectory(failed.workingDir, command)) !== null;
    if (!isThere)
      return [`The name of the program has spaces in it. Separate words: ${words.join(", ")}`];
  }
  if (command.includes("/")) {
    const file = inDirectory(failed.workingDir, command);
    return view.stat(file) === null ? missingPath(view, file) : refusedFile(view, file, failed);
  }
  const directories = failed.path.split(":").filter((directory) => directory !== "");
  const files = directories.map((directory) => inDirectory(directory, command));
  const found = files.find((file) => view.stat(file) !== null);
  if (found !== undefined) return refusedFile(view, found, failed);
  return missingName(view, failed, directories);
}

function inDirectory(directory: string, name: string): string {
  if (name.startsWith("/")) return name;
  return `${directory === "/" ? "" : directory}/${name}`;
}

/** Words that a shell understands and nobody else. */
const SHELL_WORDS = new Set("source . export cd alias set unset exit eval ulimit umask".split(" "));

const SHELLS = ["/bin/sh", "/bin/bash", "/bin/ash", "/bin/dash", "/busybox/sh"];

function missingName(
  view: ContainerView,
  { command, workingDir }: FailedCommand,
  directories: readonly string[],
): readonly string[] {
  const looked = `Looked for ${command} in ${directories.join(", ")} (PATH).`;
  if (SHELL_WORDS.has(command)) {
    return [looked, `${command} is a word of the shell, not a program: sh -c '${command} …'`];
  }
  const elsewhere = searchFor(view, command, workingDir);
  if (elsewhere !== undefined) {
    return [looked, `It is at ${elsewhere}, which PATH does not name: write the whole path.`];
  }
  if (SHELLS.some((shell) => shell.endsWith(`/${command}`))) return [looked, ...noShell(view)];
  const names = directories.flatMap((directory) => view.list(directory));
  const meant = nearest(command, names);
  if (meant !== undefined) return [looked, `Did you mean ${meant}?`];
  return [looked, `The image does not have it: install it there, or use another image.`];
}

function noShell(view: ContainerView): readonly string[] {
  const other = SHELLS.find((shell) => view.stat(shell) !== null);
  if (other !== undefined) return [`The image has another shell: ${other}`];
  return [
    "The image has no shell: write the command as a list of words (exec form), with the program's " +
      "own path first.",
  ];
}

/** Directories that are not worth a search: the kernel's, and the largest. */
const UNSEARCHED = new Set(["/proc", "/sys", "/dev", "/usr/share"]);
const SEARCH_MAX = 300;

/** Looks through the tree, directories near the root first, and at most `SEARCH_MAX` of them. */
function searchFor(view: ContainerView, name: string, first: string): string | undefined {
  const todo = [first === "" ? "/" : first, "/"];
  const seen = new Set<string>(UNSEARCHED);
  for (const directory of todo) {
    if (seen.has(directory)) continue;
    if (seen.size > SEARCH_MAX) return undefined;
    seen.add(directory);
    const own = entriesOf(view, directory);
    const found = own.find(({ path, isProgram }) => isProgram && path.endsWith(`/${name}`));
    if (found !== undefined) return found.path;
    todo.push(...own.filter(({ isDirectory }) => isDirectory).map(({ path }) => path));
  }
  return undefined;
}

/** What is in a directory; links lead to what is found elsewhere. */
function entriesOf(view: ContainerView, directory: string) {
  return view.list(directory).map((name) => {
    const path = inDirectory(directory, name);
    const found = view.link(path) === null ? view.stat(path) : null;
    const isProgram = found?.type === "file" && (found.mode & 0o111) !== 0;
    return { path, isProgram, isDirectory: found?.type === "directory" };
  });
}

/** Says how far a path goes. */
function missingPath(view: ContainerView, file: string): readonly string[] {
  const parts = file.split("/").filter((part) => part !== "");
  const prefixes = parts.map((_, at) => `/${parts.slice(0, at + 1).join("/")}`);
  const at = prefixes.findIndex((prefix) => view.stat(prefix) === null);
  const missing = prefixes[at] ?? file;
  const above = prefixes[at - 1] ?? "/";
  const target = view.link(missing);
  if (target !== null) return [`${missing} is a link to ${target}, and that is not in the image.`];
  if (SHELLS.includes(file)) return noShell(view);
  if (view.stat(above)?.type === "file") return [`${above} is a file, not a directory.`];
  const names = view.list(above);
  const meant = nearest(parts[at] ?? "", names);
  const looked = `The image has ${above}, but no ${parts[at] ?? ""} in it.`;
  if (meant === undefined) return [looked];
  return [looked, `Did you mean ${[inDirectory(above, meant), ...parts.slice(at + 1)].join("/")}?`];
}

/** The file is there. Why does the kernel not take it? */
function refusedFile(view: ContainerView, file: string, failed: FailedCommand): readonly string[] {
  const found = view.stat(file);
  if (found === null) return [];
  if (found.type === "directory") return [`${file} holds files: name the program in it.`];
  const mode = (found.mode & 0o7777).toString(8).padStart(4, "0");
  if ((found.mode & 0o111) === 0) {
    return [
      `${file} has mode ${mode}: nobody may execute it.`,
      `Set the x bit where the image is made: RUN chmod +x ${file}, or COPY --chmod=755.`,
    ];
  }
  const head = view.head(file, HEAD_BYTES);
  const reason = scriptAdvice(view, file, head) ?? elfAdvice(view, file, head, failed);
  if (reason !== undefined) return reason;
  const isOpen = (found.mode & 0o001) !== 0;
  if (isOpen || failed.user === "" || failed.user === "root") return [];
  return [
    `${file} has mode ${mode} and belongs to ${found.hostUid}:${found.hostGid}; ` +
      `the container runs as ${failed.user}.`,
    `Give it to that user (COPY --chown=${failed.user}), or let everybody execute it.`,
  ];
}

/** @returns undefined when it is no script, or one that should work */
function scriptAdvice(
  view: ContainerView,
  file: string,
  head: Uint8Array,
): readonly string[] | undefined {
  const [line = ""] = new TextDecoder().decode(head).split("\n", 1);
  const [, interpreter = ""] = /^#!\s*([^\s]+)/u.exec(line) ?? [];
  if (interpreter === "") return undefined;
  if (line.endsWith("\r")) {
    return [
      `The first line of ${file} ends with a carriage return, as on Windows: the kernel looks for ` +
        `${JSON.stringify(`${line.slice(2).trim()}\r`)}.`,
      `Convert it where the image is made: sed -i 's/\\r$//' ${file}`,
    ];
  }
  if (view.stat(interpreter) !== null) return undefined;
  const other = SHELLS.find((shell) => view.stat(shell) !== null);
  return [
    `The first line of ${file} asks for ${interpreter}, which the image does not have.`,
    other === undefined
      ? `Install it in the image, or use another image.`
      : `Install it in the image, or write the script for ${other}.`,
  ];
}

function elfAdvice(
  view: ContainerView,
  file: string,
  head: Uint8Array,
  { architecture }: FailedCommand,
): readonly string[] | undefined {
  const elf = parseElfHead(head);
  if (elf === null) return strangeFile(file, head);
  if (elf.architecture !== null && elf.architecture !== architecture) {
    return [
      `${file} was compiled for ${elf.architecture}; this machine is ${architecture}.`,
      `Use an image for linux/${architecture}, or let the kernel run it with qemu (binfmt_misc).`,
    ];
  }
  const { interpreter } = elf;
  if (interpreter === null || view.stat(interpreter) !== null) return undefined;
  const library = interpreter.includes("musl") ? "musl" : "glibc";
  return [
    `${file} needs the dynamic loader ${interpreter}, which the image does not have.`,
    `Link it statically, or use an image with ${library}.`,
  ];
}

/** Neither a program nor a script. */
function strangeFile(file: string, head: Uint8Array): readonly string[] | undefined {
  if (head.length === 0) return [`${file} is empty.`];
  if (head[0] === 0x23 && head[1] === 0x21) return undefined;
  const isText = head.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32);
  return isText
    ? [
        `${file} is a text that does not say who should run it.`,
        "Begin it with a line such as #!/bin/sh, or run it with sh FILE.",
      ]
    : [`${file} is neither a program for Linux (ELF) nor a script that begins with #!.`];
}
