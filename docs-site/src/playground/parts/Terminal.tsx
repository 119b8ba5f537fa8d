/**
 * Terminal: xterm.js on the machine's shell.
 *
 * Tab belongs to the shell, which completes words with it. So that nobody is caught, Escape gives
 * the next Tab back to the page; the line below the terminal says so. xterm's mode for screen
 * readers is always on: it keeps the text as text, beside the drawn rows.
 */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as Xterm } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useId, useRef } from "react";
import type { ReactNode, RefObject } from "react";
import type { Playground, Shell } from "../../../../runtime/src/playground/index.ts";

/** Types into a shell. */
export type Type = (text: string) => void;

interface TerminalProps {
  readonly playground: Playground;
  /** Filled with what types into the shell. */
  readonly typing: RefObject<Type | undefined>;
  /** A command was entered. */
  readonly onEnter: () => void;
}

export function Terminal({ playground, typing, onEnter }: TerminalProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const help = useId();
  const entered = useRef(onEnter);
  entered.current = onEnter;

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const terminal = openTerminal(element, help);
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    fit.fit();
    const closeShell = keepShell(playground, terminal, {
      onEnter: () => entered.current(),
      onType: (type) => (typing.current = type),
    });
    const watcher = new ResizeObserver(() => fit.fit());
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      closeShell();
      terminal.dispose();
    };
  }, [playground, typing, help]);

  return (
    <section className="pg-terminal" aria-label="Terminal">
      <div className="pg-screen" ref={place} />
      <p className="pg-help" id={help}>
        The terminal takes every key. <kbd>Esc</kbd>, then <kbd>Tab</kbd>, leaves it.
      </p>
    </section>
  );
}

interface ShellWishes {
  readonly onEnter: () => void;
  readonly onType: (type: Type | undefined) => void;
}

/** A shell on the terminal, and a new one whenever it ends. @returns ends that */
function keepShell(playground: Playground, terminal: Xterm, wishes: ShellWishes): () => void {
  const encoder = new TextEncoder();
  let isOver = false;
  const open = (): Shell => {
    const opened = playground.openShell({
      write: (bytes) => terminal.write(bytes),
      size: () => ({ rows: terminal.rows, columns: terminal.cols }),
    });
    void opened.exited.then(() => {
      if (isOver) return;
      terminal.write("\r\nThe shell has ended. Here is another one.\r\n");
      shell = open();
    });
    return opened;
  };
  let shell = open();
  const type = (text: string): void => {
    if (text.includes("\r")) wishes.onEnter();
    shell.input(encoder.encode(text));
  };
  wishes.onType(type);
  terminal.onData(type);
  terminal.onResize(() => shell.resize());
  return () => {
    isOver = true;
    wishes.onType(undefined);
    shell.close();
  };
}

/** Colours with a contrast of at least 4.5 to 1 on the ground, in both modes of the site. */
const THEME = {
  background: "#10181f",
  foreground: "#e3e9ee",
  cursor: "#7cc0f0",
  selectionBackground: "#2f4a61",
  black: "#8793a0",
  red: "#ff8a80",
  green: "#8fd694",
  yellow: "#f2c866",
  blue: "#7cc0f0",
  magenta: "#d9a5ea",
  cyan: "#78d5d7",
  white: "#e3e9ee",
};

function openTerminal(element: HTMLElement, help: string): Xterm {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const terminal = new Xterm({
    cursorBlink: !isStill,
    fontFamily: getComputedStyle(document.body).getPropertyValue("--ifm-font-family-monospace"),
    fontSize: 14,
    screenReaderMode: true,
    scrollback: 2000,
    theme: THEME,
  });
  terminal.open(element);
  terminal.textarea?.setAttribute("aria-label", "Terminal of the machine in this page");
  terminal.textarea?.setAttribute("aria-describedby", help);
  terminal.attachCustomKeyEventHandler(releaseTab());
  return terminal;
}

/** Says whether the terminal may have a key: not Escape, and not the Tab right after it. */
function releaseTab(): (event: KeyboardEvent) => boolean {
  let isReleased = false;
  return ({ type, key }) => {
    if (type !== "keydown") return true;
    if (key === "Shift") return true;
    const wasReleased = isReleased;
    // Twice Escape is one for the program.
    isReleased = key === "Escape" && !wasReleased;
    if (key === "Escape") return wasReleased;
    return !(key === "Tab" && wasReleased);
  };
}
