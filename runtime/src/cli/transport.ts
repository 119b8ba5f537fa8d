/**
 * Transport: how a request reaches the daemon.
 *
 * The port between the commands and the network. The entry for Node speaks HTTP over a unix socket;
 * a page calls the API's own fetch function in memory. Neither is known to a command.
 *
 * Kernel interface: socket(2), connect(2), shutdown(2).
 * Specification: RFC 9112; Docker Engine API v1.50, "Attach to a container" (hijacking).
 * Invariants: none.
 * Left out: nothing; a transport decides what addresses it understands.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** A request to the Docker Engine API. */
export interface ApiRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** With its query, for example "/v1.50/containers/json?all=1". */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** A body that is sent as it comes, instead. */
  readonly upload?: AsyncIterable<Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The answer as soon as its head is there; the body may go on for hours. */
export interface ApiResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** A connection that HTTP has let go of: bytes both ways. */
export interface Connection {
  /** What the daemon sends; ends when it closes. */
  readonly output: AsyncIterable<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  /** Sends end of file; output goes on. */
  closeWrite(): void;
  close(): void;
}

/** What a request to hijack leads to: the connection, or an ordinary answer that says why not. */
export type Hijacked =
  | { readonly connection: Connection; readonly mediaType: string | undefined }
  | { readonly response: ApiResponse };

/** See the head of this file. */
export interface Transport {
  /** @throws ConnectionError when there is nobody to answer */
  request(request: ApiRequest): Promise<ApiResponse>;
  /** @throws ConnectionError when there is nobody to answer */
  hijack(request: ApiRequest): Promise<Hijacked>;
  /** The bare connection, for somebody else to speak over; absent where there is none. */
  dial?(): Promise<Connection>;
}

/** What protects a connection over TCP: texts in PEM form. */
export interface ClientTls {
  /** Whom to trust; undefined: the system's own list. */
  readonly ca: string | undefined;
  /** What to show to the daemon, with its key. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Whether the daemon must be whom it is taken for. */
  readonly verify: boolean;
}

/** Where the daemon is, and how to speak to it there. */
export interface Endpoint {
  /** An address like "unix:///run/drydock.sock" or "tcp://name:2376". */
  readonly host: string;
  /** undefined: in the clear. A unix socket has no use for it. */
  readonly tls: ClientTls | undefined;
}

/** Opens a transport to the daemon. */
export type Connect = (endpoint: Endpoint) => Transport;

/** Nobody answered. */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError";
  /** Symbolic errno, for example "ENOENT". */
  readonly errno: string;

  /** @param errno symbolic errno, for example "ENOENT" */
  constructor(errno: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errno = errno;
  }
}
