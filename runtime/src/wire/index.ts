export { detachFilter, parseDetachKeys } from "./detach-keys.ts";
export { parseDurationNs } from "./durations.ts";
export { FRAME_HEADER_BYTES, createFrameReader, encodeFrame } from "./frames.ts";
export { frameHeader, writeFrameHeader } from "./frames.ts";
export type { Frame, StreamName } from "./frames.ts";
export { shellLine } from "./shell-words.ts";
