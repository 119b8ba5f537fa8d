/**
 * Playground: a machine in memory with a terminal, driven by keys as a reader drives it.
 *
 * The same machine as in the page, without a page: what the pages promise about it can be tried
 * in seconds, and compared letter by letter.
 *
 * @module
 */
import type { Playground } from "../../runtime/src/playground/index.ts";
import { openMachine } from "../src/playground/machine.ts";

/** Nothing that a page tries takes longer. */
const TIMEOUT_MS = 10_000;

/** A machine and a shell on it. */
export class TestPlayground implements AsyncDisposable {
  readonly machine: Playground;
  readonly #input: (bytes: Uint8Array) => void;
  #shown = "";

  private constructor(machine: Playground) {
    this.machine = machine;
    const decoder = new TextDecoder();
    const shell = machine.openShell({
      write: (bytes) => (this.#shown += decoder.decode(bytes, { stream: true })),
      // So wide that no line is broken.
      size: () => ({ rows: 50, columns: 400 }),
    });
    this.#input = (bytes) => shell.input(bytes);
  }

  /** Boots, and waits for the first prompt. */
  static async open(): Promise<TestPlayground> {
    const playground = new TestPlayground(await openMachine());
    await playground.#prompt();
    return playground;
  }

  /** Types a command and waits for the next prompt. @returns what it printed */
  async run(command: string): Promise<string> {
    this.#shown = "";
    this.#input(new TextEncoder().encode(`${command}\r`));
    const text = await this.#prompt();
    const lines = text.split("\n");
    // The first line is what was typed, the last the prompt.
    return lines.length <= 2 ? "" : `${lines.slice(1, -1).join("\n")}\n`;
  }

  async #prompt(): Promise<string> {
    const begin = Date.now();
    for (;;) {
      // eslint-disable-next-line no-control-regex
      const text = this.#shown.replaceAll("\r", "").replace(/\x1b\[[\d;?]*[A-Za-z]/g, "");
      if (/(^|\n)[^\n]*[#$] $/.test(text)) return text;
      if (Date.now() - begin > TIMEOUT_MS) throw new Error(`no prompt after:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine.close();
  }
}
