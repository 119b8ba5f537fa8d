import { expect, test } from "vitest";
import type { ByteSource } from "../kernel/index.ts";
import { createStreamedSink, streamOfSource } from "./byte-streams.ts";

const KIB_64 = 64 * 1024;

test("createStreamedSink() asks its writer to wait until the reader has caught up", async () => {
  const { sink, stream } = createStreamedSink();
  expect(sink.write(new Uint8Array(KIB_64 - 1))).toBe(true);
  expect(sink.write(new Uint8Array(1))).toBe(false);
  let isDrained = false;
  const drained = sink.drained().then(() => (isDrained = true));
  await Promise.resolve();
  expect(isDrained).toBe(false);
  const reader = stream.getReader();
  expect((await reader.read()).value).toHaveLength(KIB_64 - 1);
  await drained;
  sink.end();
  expect((await reader.read()).value).toHaveLength(1);
  expect((await reader.read()).done).toBe(true);
});

test("createStreamedSink() lets its writer go when the reader gives up", async () => {
  const { sink, stream, onCancel } = createStreamedSink();
  let cancelled = 0;
  onCancel(() => (cancelled += 1));
  sink.write(new Uint8Array(KIB_64));
  const drained = sink.drained();
  await stream.cancel();
  await drained;
  expect(sink.write(new Uint8Array(KIB_64))).toBe(true);
  sink.end();
  expect(cancelled).toBe(1);
});

test("streamOfSource() pauses its source while nobody reads", async () => {
  const did: string[] = [];
  const listeners: ((bytes: Uint8Array) => void)[] = [];
  const ends: (() => void)[] = [];
  const source: ByteSource = {
    listen: (onData, onEnd) => {
      listeners.push(onData);
      ends.push(onEnd);
    },
    pause: () => did.push("pause"),
    resume: () => did.push("resume"),
  };
  const stream = streamOfSource(source, () => did.push("cancel"));
  await Promise.resolve();
  did.length = 0;
  listeners[0]?.(new Uint8Array(KIB_64));
  expect(did).toEqual(["pause"]);
  const reader = stream.getReader();
  await reader.read();
  expect(did).toEqual(["pause", "resume"]);
  ends[0]?.();
  expect((await reader.read()).done).toBe(true);
});
