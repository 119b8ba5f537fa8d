/**
 * Progress: what the daemon tells while it fetches an image.
 *
 * On a terminal each layer keeps its line and is written over; elsewhere only what changed in words
 * is printed, one line each.
 *
 * Kernel interface: write(2); ECMA-48 cursor movement.
 * Specification: docker pkg/jsonmessage.
 * Invariants: none.
 * Left out: bars; the daemon's own "progress" text is shown instead.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Output } from "./console.ts";
import { Failure } from "./failure.ts";

interface Message {
  readonly id?: string;
  readonly status?: string;
  readonly progress?: string;
  readonly stream?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

/**
 * Prints messages as they come.
 *
 * @param output undefined to print nothing
 * @throws Failure when a message carries an error
 */
export async function showProgress(
  output: Output | undefined,
  messages: AsyncIterable<unknown>,
): Promise<void> {
  const lines = new Map<string, number>();
  for await (const each of messages) {
    // The schema promises these fields; anything else in the message is not for us.
    const message = each as Message;
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined) {
      throw new Failure({ message: `Error response from daemon: ${error}`, exitCode: 1 });
    }
    if (output !== undefined) show(output, lines, message);
  }
}

function show(output: Output, lines: Map<string, number>, message: Message): void {
  const text = message.stream ?? message.status ?? "";
  const named = message.id === undefined ? text : `${message.id}: ${text}`;
  if (!output.isTerminal) {
    // Numbers that grow are noise in a file.
    if (message.progress === undefined || message.progress === "") output.write(ended(named));
    return;
  }
  const full = message.progress === undefined ? named : `${named} ${message.progress}`;
  if (message.id === undefined) {
    lines.clear();
    output.write(ended(full));
    return;
  }
  const line = lines.get(message.id);
  if (line === undefined) {
    lines.set(message.id, lines.size);
    output.write(`${full}\n`);
    return;
  }
  const up = lines.size - line;
  output.write(`\u001b[${up}A\r\u001b[2K${full}\u001b[${up}B\r`);
}

function ended(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
