/** What keys do to a line, and what is seen of it, at a terminal of the model. */
import { expect, test } from "vitest";
import { machine } from "../userland.fixture.ts";

const COLUMNS = 20;

/** A terminal that knows just what the editor says to it. */
class Screen {
  #rows: string[] = [""];
  #row = 0;
  #column = 0;

  /** The rows with something in them, and below them where the cursor is. */
  text(): string {
    const rows = this.#rows.map((row) => row.trimEnd());
    return `${rows.join("\n")}\n${this.#row}:${this.#column}`;
  }

  write(text: string): void {
    // eslint-disable-next-line no-control-regex
    for (const [piece] of text.matchAll(/\u001b\[\d*[A-Z]|[^]/g)) this.#take(piece);
  }

  #take(piece: string): void {
    if (piece === "\r") this.#column = 0;
    else if (piece === "\n") this.#down();
    else if (piece.length === 1) this.#put(piece);
    else this.#obey(Number(piece.slice(2, -1)), piece.at(-1));
  }

  #obey(count: number, order: string | undefined): void {
    if (order === "A") this.#row -= count;
    if (order === "C") this.#column += count;
    if (order !== "J") return;
    this.#rows.splice(this.#row + 1);
    this.#rows[this.#row] = (this.#rows[this.#row] ?? "").slice(0, this.#column);
  }

  #down(): void {
    this.#row += 1;
    this.#rows[this.#row] ??= "";
  }

  /** A full row is left when the next letter comes, and not before. */
  #put(letter: string): void {
    if (this.#column === COLUMNS) {
      this.#column = 0;
      this.#down();
    }
    const row = (this.#rows[this.#row] ?? "").padEnd(this.#column);
    this.#rows[this.#row] = row.slice(0, this.#column) + letter + row.slice(this.#column + 1);
    this.#column += 1;
  }
}

/** A shell at a terminal. @returns types, and tells what the screen shows in the end */
async function startTyping(): Promise<(keys: string, shown: string | RegExp) => Promise<void>> {
  const child = machine().spawn(
    { pidNamespace: "inherit", stdio: "terminal", stdin: true },
    (inside) => {
      const { kernel } = inside;
      kernel.setSession();
      inside.handOver(kernel.openTerminal("/dev/ptmx").masterFd);
      return kernel.execve("/bin/sh", ["sh"], ["PS1=$ ", "PATH=/bin"]);
    },
  );
  const screen = new Screen();
  const decoder = new TextDecoder();
  child.terminal?.resize(24, COLUMNS);
  child.terminal?.listen(
    (bytes) => screen.write(decoder.decode(bytes, { stream: true })),
    () => undefined,
  );
  const type = async (keys: string, shown: string | RegExp): Promise<void> => {
    child.terminal?.write(new TextEncoder().encode(keys));
    const expected = typeof shown === "string" ? exactly(shown) : shown;
    await expect.poll(() => screen.text(), { timeout: 5000 }).toMatch(expected);
  };
  await type("", "$\n0:2");
  return type;
}

const exactly = (text: string): RegExp =>
  new RegExp(`^${text.replaceAll(/[$^()|+*?.[\]\\]/g, String.raw`\$&`)}$`);

const [UP, DOWN, LEFT, DELETE] = ["\u001b[A", "\u001b[B", "\u001b[D", "\u001b[3~"];
const [HOME, END, CTRL_C] = ["\u0001", "\u0005", "\u0003"];

test("a line is changed at its beginning, in its middle and at its end", async () => {
  const type = await startTyping();
  await type(`cho ac${LEFT}b${HOME}e`, "$ echo abc\n0:3");
  await type(`${END}d\u007fx${LEFT}${DELETE}`, "$ echo abc\n0:10");
  await type("\r", "$ echo abc\nabc\n$\n2:2");
  await type(`one two\u0017${HOME}\u000bé${LEFT}ü`, "$ echo abc\nabc\n$ üé\n2:3");
});

test("a line longer than the terminal is wide is drawn over the rows that it has", async () => {
  const type = await startTyping();
  await type("echo 78901234567890", "$ echo 7890123456789\n0\n1:1");
  await type(`${HOME}${"\u0006".repeat(5)}x`, "$ echo x789012345678\n90\n0:8");
  await type(`\u000b${"y".repeat(12)}`, "$ echo xyyyyyyyyyyyy\n\n1:0");
  await type("\r", `$ echo xyyyyyyyyyyyy\n\nxyyyyyyyyyyyy\n$\n3:2`);
  await type(UP, /^[^]*\n\$ echo xyyyyyyyyyyyy\n\n4:0$/);
  await type(`${DOWN}ls`, /^[^]*\n\$ ls\n3:4$/);
});

test("the arrow keys bring lines back, and what was being typed", async () => {
  const type = await startTyping();
  await type("true 1\rtrue 2\r\rtrue 2\rdraft", /\$ draft\n\d+:7$/);
  await type(UP, /\$ true 2\n\d+:8$/);
  await type(`${UP}${UP}${UP}`, /\$ true 1\n\d+:8$/);
  await type(`${DOWN}${DOWN}${DOWN}`, /\$ draft\n\d+:7$/);
  await type(`\u0015history\r`, / {4}0 true 1\n {4}1 true 2\n {4}2 history\n\$\n\d+:2$/);
});

test("Ctrl-C forgets a line and a half-typed command, Ctrl-D ends the shell", async () => {
  const type = await startTyping();
  await type(`echo no${CTRL_C}`, "$ echo no^C\n$\n1:2");
  await type(`if true\r${CTRL_C}`, "$ echo no^C\n$ if true\n> ^C\n$\n3:2");
  await type("sleep 60\r", /sleep 60\n\n4:0$/);
  await type(CTRL_C, /sleep 60\n\^C\n\$\n5:2$/);
  await type("echo $?\r", /\n130\n\$\n7:2$/);
  await type("\u0004", /\n130\n\$\n\n8:0$/);
});

test("Tab completes commands and paths, and shows what fits", async () => {
  const type = await startTyping();
  await type("unsh\t", "$ unshare\n0:10");
  await type("\u0015ls /pro\t1/cmdl\t", "$ ls /proc/1/cmdline\n\n1:1");
  await type(
    "\u0015cd /tmp\rmkdir box; echo > 'bo at'\rcat bo\t",
    /\ncat|\$ cat bo\nbo at {2}box\/\n/,
  );
  await type("\\ \t", /\$ cat bo\\ at\n5:13$/);
  await type("\u0015cd b\tx\t", /\$ cd box\/\n\d+:9$/);
});

test("lines that are pasted run one after the other, and a program gets the rest", async () => {
  const type = await startTyping();
  await type("echo 1\rcat\rrest\r", /\n1\n\$ cat\nrest\n\n4:0$/);
  await type("\u0004", /\nrest\n\$\n\d+:2$/);
});
