export { detachFilter, parseDetachKeys } from "./detach-keys.ts";
export { FRAME_HEADER_BYTES, createFrameReader, encodeFrame, writeFrameHeader } from "./frames.ts";
export type { Frame, StreamName } from "./frames.ts";
