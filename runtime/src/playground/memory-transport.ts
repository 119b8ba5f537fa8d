/**
 * Memory transport: from the CLI to the API without a network.
 *
 * A request is a call of the API's own fetch function. Where a client asks for the connection
 * itself, to attach to a container, two streams stand for it.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
import type { Api } from "../api/index.ts";
import type { ApiRequest, ApiResponse, Connect, Connection, Hijacked } from "../cli/index.ts";

/** Every address leads to this API. */
export function connectTo(api: Api): Connect {
  return () => ({
    request: async (wanted) => responseOf(await api(requestOf(wanted), {})),
    hijack: (wanted) => hijack(api, wanted),
  });
}

function requestOf({ method, path, headers, body, signal }: ApiRequest): Request {
  return new Request(`http://drydock${path}`, {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: body.slice() }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function responseOf({ status, headers, body }: Response): ApiResponse {
  return { status, headers: Object.fromEntries(headers), body: piecesOf(body?.getReader()) };
}

/** A stream as what `for await` takes: not every browser's streams are. */
async function* piecesOf(
  reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
): AsyncGenerator<Uint8Array> {
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** The API either takes the connection over or answers as usual. */
async function hijack(api: Api, wanted: ApiRequest): Promise<Hijacked> {
  let taken: Hijacked | undefined;
  const response = await api(requestOf(wanted), {
    hijack: (mediaType) => {
      const [up, down] = [new TransformStream<Uint8Array>(), new TransformStream<Uint8Array>()];
      taken = { connection: connectionOf(up.writable, down.readable.getReader()), mediaType };
      const writer = down.writable.getWriter();
      return {
        input: () => up.readable,
        ignoreInput: () => void up.readable.pipeTo(new WritableStream()),
        write: (bytes) => writer.write(bytes),
        end: () => void writer.close().catch(() => undefined),
        abort: () => void writer.abort().catch(() => undefined),
      };
    },
  });
  return taken ?? { response: responseOf(response) };
}

function connectionOf(
  up: WritableStream<Uint8Array>,
  down: ReadableStreamDefaultReader<Uint8Array>,
): Connection {
  const writer = up.getWriter();
  const endInput = (): void => void writer.close().catch(() => undefined);
  return {
    output: piecesOf(down),
    // As with a socket whose other side has gone, what cannot be delivered is lost.
    write: (bytes) => writer.write(bytes).catch(() => undefined),
    closeWrite: endInput,
    close: () => {
      endInput();
      // Whoever waits for more output hears the end; the API hears that nobody listens any more.
      void down.cancel().catch(() => undefined);
    },
  };
}
