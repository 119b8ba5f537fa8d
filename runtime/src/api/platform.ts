/**
 * Platform: what the API needs of whoever serves it, beyond Request and Response.
 *
 * `docker attach` and `docker exec` turn an HTTP request into a plain line of bytes both ways,
 * each direction ending on its own. Docker calls this hijacking. Web-standard requests cannot do
 * it, so the server that carries the API (Node's in the daemon, a function call in the page)
 * lends it.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "ContainerAttach", "Hijacking"; RFC 9110, 7.8
 *   "Upgrade".
 * Invariants: none.
 * Left out: attach over a WebSocket.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

/** A connection taken over: bytes both ways, where each direction ends on its own. */
export interface Line {
  /** What the client sends, until it has no more to send. Asked for at most once. */
  input(): ReadableStream<Uint8Array>;
  /** Instead: nobody listens to the client, whose bytes must not pile up. */
  ignoreInput(): void;
  /** What the client receives. Resolves when it takes more; fails when the client is gone. */
  write(bytes: Uint8Array): Promise<void> | void;
  /** Nothing more comes: ends the connection. */
  end(): void;
  /** Something went wrong: breaks the connection. */
  abort(): void;
}

/** What the server lends to one request. */
export interface Platform {
  /**
   * Answers `101 UPGRADED` with this content type and hands the connection over. Present only
   * when the client asked for an upgrade; at most one call; the route's own Response is then not
   * sent.
   */
  readonly hijack?: (contentType: string) => Line;
  /**
   * The request's body as it arrives, for routes that take much: on its way through a web stream
   * each piece would be copied. Whoever reads it leaves the request's own alone.
   */
  readonly body?: AsyncIterable<Uint8Array>;
}
