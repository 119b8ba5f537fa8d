export { detachFilter, parseDetachKeys } from "./detach-keys.ts";
export { createFrameReader, encodeFrame, type Frame, type StreamName } from "./frames.ts";
