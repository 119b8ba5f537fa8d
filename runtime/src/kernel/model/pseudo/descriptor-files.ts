/**
 * Descriptor files: what /proc/PID/fd shows.
 *
 * Each descriptor is a link. Its text names what is open; following it does not take that text, but
 * leads to the very thing, which may have no name at all: a pipe.
 *
 * Kernel interface: proc_pid_fd(5).
 * Invariants: none.
 * Left out: fdinfo; descriptors that a call of the port opens and closes, except for the one that
 *   reads this directory.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { pathFrom } from "../mounts/mount-info.ts";
import { DEFAULT_OPTIONS, unlistedMount } from "../mounts/table.ts";
import { resolve } from "../files/walk.ts";
import {
  nextNumber,
  type GeneratedInode,
  type Place,
  type Process,
  type Sink,
  type Source,
  type World,
} from "../state.ts";
import { createGenerated, createGeneratedFileSystem } from "./generated-file-system.ts";

const STREAMS = ["stdin", "stdout", "stderr"] as const;

/** The directory of a process's descriptors. @param checkMayLook refuses a reader */
export function descriptorDirectory(
  process: Process,
  checkMayLook: (by: Process) => void,
): GeneratedInode {
  const { world } = process;
  const links = new WeakMap<Source | Sink, GeneratedInode>();
  const linkOf = (stream: Source | Sink): GeneratedInode => {
    const link = links.get(stream) ?? descriptorLink(world, stream);
    links.set(stream, link);
    return link;
  };
  // Who reads its own has this directory open meanwhile, and looks at that descriptor too.
  const itself = createGenerated(
    world,
    { type: "symlink", mode: 0o700 },
    { target: (by) => `/proc/${by.pids.get(by.namespaces.pid) ?? 0}/fd` },
  );
  return createGenerated(
    world,
    { type: "directory", mode: 0o500 },
    {
      lookup: (name, by) => {
        if (by === process && name === String(STREAMS.length)) return itself;
        const held = process.heldRoots.get(Number(name));
        if (held !== undefined) return rootLink(world, held.place);
        const stream = process.streams?.[STREAMS[Number(name)] ?? "stdin"];
        return stream === undefined || !/^[012]$/.test(name) ? undefined : linkOf(stream);
      },
      names: (by) => {
        checkMayLook(by);
        const own = process.streams === undefined ? 0 : STREAMS.length;
        const count = by === process ? own + 1 : own;
        const numbers = [...Array.from({ length: count }).keys(), ...process.heldRoots.keys()];
        return numbers.map(String);
      },
    },
  );
}

function rootLink(world: World, place: Place): GeneratedInode {
  return createGenerated(
    world,
    { type: "symlink", mode: 0o700 },
    { target: (by) => pathFrom(by.root, place) ?? "/", jump: () => place },
  );
}

function descriptorLink(world: World, stream: Source | Sink): GeneratedInode {
  let nameless: Place | undefined;
  const placeOf = (by: Process): Place => {
    const { opened } = stream;
    if (opened.kind === "null") return resolve(by, "/dev/null", "follow");
    return world.openedAt.get(opened) ?? (nameless ??= outside(by, stream));
  };
  return createGenerated(
    world,
    { type: "symlink", mode: 0o700 },
    {
      target: (by) => {
        const place = placeOf(by);
        return pathFrom(by.root, place) ?? place.dentry.name;
      },
      jump: placeOf,
    },
  );
}

/** A place for a pipe, outside of every mount table. */
function outside(by: Process, stream: Source | Sink): Place {
  const { world, credentials } = by;
  const root = createGenerated(world, { type: "fifo", mode: 0o600 }, { stream });
  const fs = createGeneratedFileSystem({
    type: "pipefs",
    device: [0, 13],
    userNamespace: credentials.userNamespace,
    root,
    changeable: true,
  });
  fs.root.name = `pipe:[${nextNumber(world, "pipe", 1)}]`;
  const what = { fs, root: fs.root, source: "pipefs", options: DEFAULT_OPTIONS };
  const mount = unlistedMount(0, what);
  return { mount, dentry: fs.root };
}
