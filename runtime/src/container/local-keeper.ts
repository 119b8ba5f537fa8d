/**
 * Local keeper: the keeper in the same process.
 *
 * In the page, and in tests, there is no second process: the engine calls the keeper's functions
 * directly, through the same interface as over a socket.
 *
 * Kernel interface: none of its own.
 * Invariants: see `keeper-server.ts`.
 * Left out: nothing outlives the engine here.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import type { ByteSink } from "../kernel/index.ts";
import { createStreamedSink, emptyStream } from "./byte-streams.ts";
import { framing } from "./connection.ts";
import type { AttachRequest, Attached, Keeper } from "./keeper.ts";
import { KeeperServer } from "./keeper-server.ts";
import type { KeeperServerOptions } from "./keeper-server.ts";
import type { HubClient } from "./stdio-hub.ts";

/** A keeper whose processes are children of this process. */
export function createLocalKeeper(options: KeeperServerOptions): Keeper {
  const server = new KeeperServer(options);
  /** @param end ends the client's output, at once or after something more */
  const attach = (
    request: AttachRequest,
    end: (sink: ByteSink) => void = (sink) => sink.end(),
  ): Attached => {
    const { sink, stream, onCancel } = createStreamedSink();
    const client = server.attach(request, framing({ ...sink, end: () => end(sink) }));
    onCancel(() => client.detach());
    return attachedOf(client, stream);
  };
  return {
    start: (request) => server.start(request),
    startAttached: (request, streams, lastWords) => {
      const end = async (sink: ByteSink): Promise<void> => {
        const words = await started.then(() => undefined, lastWords);
        if (words !== undefined) sink.write(words);
        sink.end();
      };
      const line = attach({ id: request.id, ...streams }, (sink) => void end(sink));
      const started = server.start(request);
      return { line, started };
    },
    takeJournal: (id) => server.takeJournal(id),
    attach: (request) => Promise.resolve(attach(request)),
    followLog: (id) => {
      const { sink, stream, onCancel } = createStreamedSink();
      const following = server.followLog(id, sink);
      onCancel(() => following?.leave());
      return Promise.resolve(
        following === undefined
          ? { offsetBytes: Infinity, born: "", entries: emptyStream() }
          : { offsetBytes: following.offsetBytes, born: following.born, entries: stream },
      );
    },
    signal: async (id, signal) => server.signal(id, signal),
    resize: async (id, rows, columns) => server.resize(id, rows, columns),
    list: () => server.list(),
    forget: async (id) => server.forget(id),
    onExit: (listener) => void server.onExit(listener),
    onLost: () => undefined,
    close: () => undefined,
  };
}

function attachedOf(client: HubClient, output: ReadableStream<Uint8Array>): Attached {
  return {
    output,
    write: async (bytes) => {
      if (!client.input.write(bytes)) await client.input.drained();
    },
    endInput: () => client.input.end(),
    detach: () => client.detach(),
  };
}
