/**
 * HTTP/1.1, the client's half: a request as bytes, and an answer from bytes.
 *
 * An engine's client lives for milliseconds. Node's own HTTP client needs ten of them before its
 * first byte (measured), which is as long as everything else that `drydock ps` does; these lines
 * need none. And a hijacked connection is nothing special here: after the head of a 101, all bytes
 * are the stream's.
 *
 *     head, then one of:  nothing (204, 304) | Content-Length bytes | chunks | all until the end
 *
 * Kernel interface: read(2), write(2).
 * Specification: RFC 9112, sections 3, 4, 6 and 7; RFC 9110, "Upgrade".
 * Invariants:
 *   http-any-chunking   how the bytes are cut on the way does not change the answer
 * Left out: trailers (skipped), obsolete line folding, answers to several requests on a connection.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { ApiRequest } from "./transport.ts";

/** What an answer consists of, in order: one head, pieces of the body, the end. */
export type HttpEvent =
  | {
      readonly kind: "head";
      readonly status: number;
      readonly headers: Readonly<Record<string, string | undefined>>;
    }
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "end" };

/** Reads an answer. */
export interface AnswerReader {
  /** @throws Error when the bytes are no HTTP */
  push(chunk: Uint8Array): readonly HttpEvent[];
  /** The other side has closed. @throws Error when the answer is not whole */
  close(): readonly HttpEvent[];
}

/** A request, whole. The connection is for it alone. */
export function encodeRequest(request: ApiRequest, host: string, upgrade: boolean): Uint8Array {
  const body = request.body ?? new Uint8Array();
  const fields: Record<string, string> = {
    Host: host,
    Connection: upgrade ? "Upgrade" : afterwards(request),
    ...(upgrade ? { Upgrade: "tcp" } : {}),
    ...request.headers,
    // A body of no length has to say so where one is possible.
    ...(request.method === "GET" || request.method === "HEAD" ? {} : lengthOf(request, body)),
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${oneLine(value)}\r\n`);
  const head = `${request.method} ${oneLine(request.path)} HTTP/1.1\r\n${lines.join("")}\r\n`;
  return joined(new TextEncoder().encode(head), body);
}

/**
 * Who is asked to close may do so with the answer, while we still send: then the write fails before
 * the refusal is read. So with an upload it is us who close.
 */
function afterwards({ upload }: ApiRequest): string {
  return upload === undefined ? "close" : "keep-alive";
}

function lengthOf({ upload }: ApiRequest, body: Uint8Array): Record<string, string> {
  if (upload === undefined) return { "Content-Length": String(body.length) };
  return { "Transfer-Encoding": "chunked", "Content-Type": "application/x-tar" };
}

/** Nobody writes a header of their own into ours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]/g, "");
}

/** How the rest of the bytes are to be taken. */
type Framing =
  | { readonly kind: "head" | "until-close" | "nothing" }
  | { readonly kind: "length" | "chunk"; remaining: number }
  | { readonly kind: "chunk-size" | "chunk-end" | "trailers" };

/** What a reader knows between two pieces. */
interface Progress {
  readonly method: ApiRequest["method"];
  readonly events: HttpEvent[];
  rest: Uint8Array<ArrayBuffer>;
  framing: Framing;
}

/** Makes a reader for the answer to one request. */
export function createAnswerReader(method: ApiRequest["method"]): AnswerReader {
  const progress: Progress = {
    method,
    events: [],
    rest: new Uint8Array(),
    framing: { kind: "head" },
  };
  return {
    push: (chunk) => {
      progress.rest = joined(progress.rest, chunk);
      while (step(progress));
      return progress.events.splice(0);
    },
    close: () => {
      if (progress.framing.kind === "nothing") return [];
      if (progress.framing.kind === "until-close") return [{ kind: "end" }];
      throw new Error("unexpected EOF");
    },
  };
}

/** Takes what it can from the rest; false when it needs more bytes. */
function step(progress: Progress): boolean {
  switch (progress.framing.kind) {
    case "head":
      return takeHead(progress);
    case "nothing":
      return false;
    case "until-close":
      return takeBytes(progress, progress.rest.length);
    case "length":
    case "chunk":
      return takeCounted(progress, progress.framing);
    case "chunk-size":
    case "chunk-end":
    case "trailers":
      return takeLine(progress, progress.framing.kind);
  }
}

function takeHead(progress: Progress): boolean {
  const end = indexOfText(progress.rest, "\r\n\r\n");
  if (end === -1) return false;
  const text = new TextDecoder().decode(progress.rest.subarray(0, end));
  progress.rest = progress.rest.slice(end + 4);
  const { status, headers } = parseHead(text);
  // An interim answer (100, 102, 103) is followed by the real one.
  if (status >= 100 && status < 200 && status !== 101) return true;
  progress.events.push({ kind: "head", status, headers });
  progress.framing = framingOf(progress.method, status, headers);
  if (progress.framing.kind === "nothing") progress.events.push({ kind: "end" });
  return true;
}

function takeBytes(progress: Progress, count: number): boolean {
  if (count === 0) return false;
  progress.events.push({ kind: "body", bytes: progress.rest.slice(0, count) });
  progress.rest = progress.rest.slice(count);
  return true;
}

function takeCounted(
  progress: Progress,
  counted: { readonly kind: "length" | "chunk"; remaining: number },
): boolean {
  const count = Math.min(counted.remaining, progress.rest.length);
  counted.remaining -= count;
  const took = takeBytes(progress, count);
  if (counted.remaining > 0) return took;
  if (counted.kind === "length") progress.events.push({ kind: "end" });
  progress.framing = { kind: counted.kind === "length" ? "nothing" : "chunk-end" };
  return true;
}

function takeLine(progress: Progress, kind: "chunk-size" | "chunk-end" | "trailers"): boolean {
  const end = indexOfText(progress.rest, "\r\n");
  if (end === -1) return false;
  const line = new TextDecoder().decode(progress.rest.subarray(0, end));
  progress.rest = progress.rest.slice(end + 2);
  if (kind === "chunk-size") progress.framing = framingOfChunk(line);
  if (kind === "chunk-end") progress.framing = { kind: "chunk-size" };
  if (kind === "trailers" && line === "") {
    progress.events.push({ kind: "end" });
    progress.framing = { kind: "nothing" };
  }
  return true;
}

function parseHead(text: string) {
  const [first = "", ...lines] = text.split("\r\n");
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(first) ?? [];
  if (status === undefined) throw new Error(`malformed HTTP response ${JSON.stringify(first)}`);
  const headers = lines.map((line): [string, string] => {
    const at = line.indexOf(":");
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
  });
  const byName: Record<string, string | undefined> = Object.fromEntries(headers);
  return { status: Number(status), headers: byName };
}

function framingOf(
  method: ApiRequest["method"],
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
): Framing {
  if (status === 101) return { kind: "until-close" };
  if (method === "HEAD" || status === 204 || status === 304) return { kind: "nothing" };
  if (/\bchunked\b/i.test(headers["transfer-encoding"] ?? "")) return { kind: "chunk-size" };
  const length = headers["content-length"];
  if (length === undefined) return { kind: "until-close" };
  return { kind: "length", remaining: Number(length) };
}

function framingOfChunk(line: string): Framing {
  const [, digits] = /^([0-9a-fA-F]+)(;.*)?$/.exec(line) ?? [];
  if (digits === undefined) throw new Error(`malformed chunk size ${JSON.stringify(line)}`);
  const remaining = Number.parseInt(digits, 16);
  return remaining === 0 ? { kind: "trailers" } : { kind: "chunk", remaining };
}

function indexOfText(bytes: Uint8Array, text: string): number {
  const wanted = [...text].map((letter) => letter.charCodeAt(0));
  const [first = 0] = wanted;
  let at = bytes.indexOf(first);
  while (at !== -1 && !wanted.every((code, index) => bytes[at + index] === code)) {
    at = bytes.indexOf(first, at + 1);
  }
  return at;
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(left.length + right.length);
  both.set(left);
  both.set(right, left.length);
  return both;
}
