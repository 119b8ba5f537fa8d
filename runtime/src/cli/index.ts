export { main } from "./main.ts";
export { shellLine } from "../wire/index.ts";
export { PROGRAM_VERSION, type Program } from "./program.ts";
export type {
  Console,
  Files,
  Output,
  PackWish,
  TerminalSize,
  Undo,
  UnpackWish,
} from "./console.ts";
export type { ContextStore, StoredContext, TlsFiles } from "./contexts.ts";
export {
  ConnectionError,
  type ApiRequest,
  type ApiResponse,
  type ClientTls,
  type Connect,
  type Connection,
  type Endpoint,
  type Hijacked,
  type Transport,
} from "./transport.ts";
export { createAnswerReader, encodeRequest, type AnswerReader, type HttpEvent } from "./http1.ts";
