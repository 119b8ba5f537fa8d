/**
 * Open file: a file as a stream, for redirections.
 *
 * What was opened stays the same file wherever its name leads later, and whoever has it shares the
 * place where reading goes on. The port's calls open and close by themselves; only programs hold
 * files open.
 *
 * Kernel interface: open(2), read(2), write(2).
 * Invariants: none.
 * Left out: seeking; who writes adds at the end.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { WriteMode } from "../../port.ts";
import { openToRead, openToWrite } from "../files/open.ts";
import { call } from "../refusal.ts";
import type { Opened, Place, Process, Sink, Source } from "../state.ts";
import { holders } from "./pipe.ts";

const CHUNK_BYTES = 65_536;
const keep = (): (() => () => void) => holders(() => undefined);

function openedAt({ world }: Process, place: Place): Opened {
  const opened = { kind: "file" } as const;
  world.openedAt.set(opened, place);
  return opened;
}

/** Opens for reading. @throws KernelError */
export function openSource(process: Process, path: string): Source {
  const { place, read: file, source } = call("open", path, () => openToRead(process, path));
  if (source !== undefined) return source;
  let offsetBytes = 0;
  const readOn = (limitBytes: number): Uint8Array => {
    const bytes = call("read", path, () => file(offsetBytes, limitBytes));
    offsetBytes += bytes.length;
    return bytes;
  };
  return {
    read: async (limitBytes) => {
      await Promise.resolve();
      return readOn(limitBytes);
    },
    listen: (onData, onEnd) => {
      const deliver = async (): Promise<void> => {
        await Promise.resolve();
        for (let bytes = readOn(CHUNK_BYTES); bytes.length > 0; bytes = readOn(CHUNK_BYTES)) {
          onData(bytes);
        }
        onEnd();
      };
      void deliver();
    },
    pause: () => undefined,
    resume: () => undefined,
    hold: keep(),
    opened: openedAt(process, place),
  };
}

/** Opens for writing. @throws KernelError */
export function openSink(process: Process, path: string, how: WriteMode): Sink {
  const { place, write, sink } = call("open", path, () =>
    openToWrite(process, path, { mode: how, permissions: 0o666 & ~process.umask }),
  );
  if (sink !== undefined) return sink;
  return {
    write: (bytes) => {
      call("write", path, () => write(bytes));
      return true;
    },
    drained: () => Promise.resolve(),
    end: () => undefined,
    hold: keep(),
    isBroken: () => false,
    opened: openedAt(process, place),
  };
}
