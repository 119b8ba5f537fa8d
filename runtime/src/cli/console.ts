/**
 * Console: everything of the user's side that a command may touch.
 *
 * Standard streams, the terminal's size and mode, signals, files, environment and clock, behind one
 * small port. The entry for Node implements it with the process's own; a page implements it with a
 * terminal drawn in the page; a test with arrays.
 *
 * Kernel interface: read(2), write(2), termios(3), signal(7), TIOCGWINSZ.
 * Specification: none.
 * Invariants: none.
 * Left out: job control (SIGTTIN, SIGTTOU).
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** The size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Ends a subscription, or gives the terminal its mode back; may be called again. */
export type Undo = () => void;

/** One of the two ways out. */
export interface Output {
  readonly isTerminal: boolean;
  write(data: string | Uint8Array): void;
  /** Resolves when what was written has left; a loop that copies waits for it. */
  drained(): Promise<void>;
}

/** How to pack. */
export interface PackWish {
  /** What the top is called in the archive; null: as its path ends. */
  readonly name: string | null;
  /** Whether a link at the top stands for what it leads to. */
  readonly follow: boolean;
}

/** How to unpack. */
export interface UnpackWish {
  readonly directory: string;
  /** What the archive's top becomes; null: as it is called. */
  readonly name: string | null;
  /** Whether users and groups are the archive's; else all is the user's own. */
  readonly keepOwner: boolean;
}

/** The user's files. */
export interface Files {
  /** @throws Error with the system's text when it cannot be read */
  read(path: string): string;
  exists(path: string): boolean;
  write(path: string, text: string): void;
  remove(path: string): void;
  /** Whether a directory is at a path, links followed; undefined when there is nothing. */
  kindOf(path: string): boolean | undefined;
  /** The bytes of a file. */
  stream(path: string): AsyncIterable<Uint8Array>;
  /** Writes a file as its bytes arrive. */
  save(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** A file or directory as a tar archive. */
  pack(path: string, wish: PackWish): AsyncIterable<Uint8Array>;
  /** A tar archive as files; returns its bytes. */
  unpack(archive: AsyncIterable<Uint8Array>, wish: UnpackWish): Promise<number>;
  /** A path from the root, without "." and "..". */
  absolute(path: string): string;
}

/** See the head of this file. */
export interface Console {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  readonly files: Files;
  readonly inputIsTerminal: boolean;
  /** Standard input, once; ends at end of file or when the iteration is left. */
  input(): AsyncIterable<Uint8Array>;
  /** Hands every key to the program unchanged; the undo gives the terminal back. */
  enterRawMode(): Promise<Undo>;
  /** undefined when standard output is no terminal. */
  size(): TerminalSize | undefined;
  onResize(listener: () => void): Undo;
  /** While subscribed, signals do not end the program. Names as in kill -l: "SIGINT". */
  onSignal(listener: (name: string) => void): Undo;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

/** Rows and columns, or zeros where there is no terminal. */
export function consoleSize(console: Console): readonly [number, number] {
  const size = console.size();
  return [size?.rows ?? 0, size?.columns ?? 0];
}
