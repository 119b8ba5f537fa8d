/**
 * Kernel calls: the table of everything that can be asked of the machine.
 *
 * Each method of the kernel port carries one line, `@syscall mount(2) CAP_SYS_ADMIN "attach a file
 * system"`: the man page, the capability that it takes (`-` for none), and what it does. The table
 * is made of these lines.
 *
 * @module
 */
import ts from "typescript";

/** One method of the port. */
export interface KernelCall {
  /** The interface that has it, `Mounts`. */
  readonly part: string;
  readonly method: string;
  readonly line: number;
  /** `mount(2)`. */
  readonly manPage: string;
  /** The capability that it takes; null for none. */
  readonly capability: string | null;
  readonly what: string;
  /** What else the port says about it. */
  readonly more: string;
}

/** The files that the port is declared in, in the order of the table. */
export const PORT_FILES = ["port.ts", "port-files.ts", "port-network.ts"].map(
  (name) => `runtime/src/kernel/${name}`,
);

/** The tagged methods of a source file, in its order. @throws Error when a tag has another form */
export function readKernelCalls(path: string, text: string): readonly KernelCall[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  return source.statements.filter(ts.isInterfaceDeclaration).flatMap((declaration) =>
    declaration.members.flatMap((member) => {
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === "syscall");
      if (tag === undefined || member.name === undefined) return [];
      const method = member.name.getText();
      const said = (ts.getTextOfJSDocComment(tag.comment) ?? "").replace(/\s+/g, " ");
      const form = /^(\w+\(\d\)) (-|CAP_\w+) "(.*?)"(.*)$/.exec(said);
      if (form === null)
        throw new Error(`${path}: @syscall of ${method} has another form: ${said}`);
      const [, manPage = "", capability = "-", what = "", more = ""] = form;
      return {
        part: declaration.name.text,
        method,
        line: source.getLineAndCharacterOfPosition(member.getStart(source)).line + 1,
        manPage,
        capability: capability === "-" ? null : capability,
        what,
        more,
      };
    }),
  );
}

/** The table as a page of Markdown. @param lineUrl where the site shows a line of a file */
export function kernelCallsPage(
  files: readonly { readonly path: string; readonly text: string }[],
  lineUrl: (path: string, line: number) => string,
): string {
  const rows = files.flatMap(({ path, text }) =>
    readKernelCalls(path, text).map((call) => ({ path, ...call })),
  );
  const parts = [...new Set(rows.map(({ part }) => part))];
  const tables = parts.map((part) => {
    const lines = rows
      .filter((row) => row.part === part)
      .map(({ path, method, line, manPage, capability, what, more }) => {
        const name = `[\`${method}\`](${lineUrl(path, line)}) ${manPage}`;
        return `| ${name} | ${(what + more).replaceAll("|", "\\|")} | ${capability ?? ""} |`;
      });
    const head = "| method, man page | what it does | takes |\n| --- | --- | --- |";
    return `## ${part}\n\n${head}\n${lines.join("\n")}`;
  });
  const about =
    `Everything that Drydock can ask of the machine: ${rows.length} methods of the` +
    " [kernel port](/concepts/kernel/), each one system call or one family of files.";
  return `---\ntitle: Kernel calls\nsidebar_position: 1\n---\n\n${about}\n\n${tables.join("\n\n")}\n`;
}
