/**
 * Command container prune: remove all containers that do not run.
 *
 * Kernel interface: none.
 * Specification: docker container prune reference; Engine API v1.50, ContainerPrune.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command } from "../command.ts";
import { prune, PRUNE_FLAGS } from "../prune.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: PRUNE_FLAGS,
  arity: [0, 0],
  interspersed: true,
  about: "What a stopped container still has is its writable layer and its log: both go.",
  concepts: ["layers"],
  run: (context, { flags }) =>
    prune(context, flags, {
      containers: true,
      images: "none",
      warning: "WARNING! This will remove all stopped containers.",
    }),
};
