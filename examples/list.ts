/**
 * List: the eight examples by number, for whoever runs them: `run.ts` and `program.ts`.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import * as process from "./01-process.ts";
import * as name from "./02-name.ts";
import * as numbers from "./03-numbers.ts";
import * as mounts from "./04-mounts.ts";
import * as files from "./05-files.ts";
import * as network from "./06-network.ts";
import * as share from "./07-share.ts";
import * as power from "./08-power.ts";
import type { Stage } from "./shell.ts";

/** One example. */
export interface Example {
  /** What the process gets that it had not in the example before. */
  readonly gets: string;
  readonly run: (stage: Stage) => Promise<void>;
}

/** All of them, by number. */
export const EXAMPLES: ReadonlyMap<string, Example> = new Map([
  ["01", { gets: "nothing: it is an ordinary process", ...process }],
  ["02", { gets: "a machine name of its own", ...name }],
  ["03", { gets: "process numbers of its own", ...numbers }],
  ["04", { gets: "mounts of its own, and a /proc", ...mounts }],
  ["05", { gets: "a root of its own, as a stack of layers", ...files }],
  ["06", { gets: "a network of its own", ...network }],
  ["07", { gets: "a share: at most five processes", ...share }],
  ["08", { gets: "less power, and is a container", ...power }],
]);

/** What to say to whoever names none of them. */
export const USAGE: readonly string[] = [
  "usage: example NUMBER",
  ...[...EXAMPLES].map(([number, { gets }]) => `  ${number}  the process gets ${gets}`),
];
