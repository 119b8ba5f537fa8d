/**
 * Properties of containers: the life cycle, plans, init, logs, frames and the keeper. Those at the
 * end run real containers and need root.
 */
import { fc, test } from "@fast-check/vitest";
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect } from "vitest";
import {
  CLOCK_STEP_MS,
  CREATED,
  LOG_PART_BYTES,
  StdioHub,
  TRANSITIONS,
  assertContainer,
  comparableTime,
  createLineCutter,
  createLineReader,
  createLogParser,
  createLogWriter,
  endOfLog,
  endOfTime,
  exitCodeOf,
  formatEntries,
  formatEntry,
  formatLogTime,
  framing,
  hasProcess,
  isWanted,
  parseLogEntry,
  parseLogTime,
  placeOfTail,
  placeOfTime,
  planContainer,
  planProcess,
  printLogEntries,
  printLogEntry,
  bornOf,
  readLog,
  requireTransition,
  runInit,
  transition,
} from "../runtime/src/container/index.ts";
import { createFrameReader, encodeFrame, type Frame } from "../runtime/src/wire/index.ts";
import type {
  ContainerEvent,
  ContainerState,
  HostConfig,
  InitPlan,
  InitStep,
  LogEntry,
  PlanInput,
  ProcessRequest,
} from "../runtime/src/container/index.ts";
import {
  PAPER_DIRECTORY,
  PLAIN_CONFIG,
  PLAIN_HOST_CONFIG,
  paperInput,
} from "../runtime/src/container/plan.fixture.ts";
import { createPaperKernel } from "../runtime/src/container/paper-kernel.fixture.ts";
import { KeeperBench, whyNoContainers } from "../runtime/src/keeper/keeper.fixture.ts";
import type { Prepared } from "../runtime/src/keeper/keeper.fixture.ts";
import { RuntimeError } from "../runtime/src/errors/index.ts";
import { concatBytes, signalName, signalNumber } from "../runtime/src/kernel/index.ts";
import { KernelError } from "../runtime/src/kernel/index.ts";
import type { FileStat } from "../runtime/src/kernel/index.ts";
import type { ByteSink, ByteSource } from "../runtime/src/kernel/index.ts";
import { readNamespaces } from "../runtime/src/namespaces/index.ts";

// ── life cycle ───────────────────────────────────────────────────────────────────────────────────

const time = fc.integer({ min: 1, max: 2 ** 40 });
const exitCode = fc.integer({ min: 0, max: 255 });
const event: fc.Arbitrary<ContainerEvent> = fc.oneof(
  fc.record({
    type: fc.constant("start" as const),
    hostPid: fc.integer({ min: 1, max: 4_000_000 }),
    startedAtMs: time,
  }),
  fc.record({
    type: fc.constant("fail-start" as const),
    atMs: time,
    exitCode,
    error: fc.string(),
  }),
  fc.record({
    type: fc.constantFrom("exit" as const, "await-restart" as const),
    finishedAtMs: time,
    exitCode,
    oomKilled: fc.boolean(),
  }),
  fc.record({
    type: fc.constantFrom("pause" as const, "unpause", "cancel-restart", "remove"),
  }) as fc.Arbitrary<ContainerEvent>, // fast-check widens the union of types to one object type
  fc.record({ type: fc.constant("fail-removal" as const), error: fc.string() }),
);

describe("life cycle", () => {
  test.prop([fc.array(event, { maxLength: 30 })])(
    "transitions-are-legal for any sequence of events",
    (events) => {
      let state: ContainerState = CREATED;
      for (const next of events) {
        const before = structuredClone(state);
        const target = TRANSITIONS[state.status][next.type];
        const step = (): ContainerState => transition(state, next, "web");
        if (target === undefined) {
          expect(step).toThrow(RuntimeError);
          expect(() => requireTransition(state, next.type, "web")).toThrow(RuntimeError);
          expect(state).toEqual(before);
        } else {
          const after = step();
          expect(after.status).toBe(target);
          expect(state).toEqual(before);
          state = after;
        }
      }
    },
  );

  test.prop([fc.array(event, { maxLength: 30 })])(
    "states-are-whole after any sequence of events, and remember how the last run went",
    (events) => {
      let state: ContainerState = CREATED;
      let last: number | undefined;
      for (const next of events) {
        if (TRANSITIONS[state.status][next.type] === undefined) continue;
        state = transition(state, next, "web");
        assertContainer(state);
        if ("exitCode" in next) last = next.exitCode;
        if ("ended" in state && state.ended !== null) expect(state.ended.exitCode).toBe(last);
        expect(hasProcess(state)).toBe(state.status === "running" || state.status === "paused");
      }
      const broken = { ...state, hostPid: 0, ended: { exitCode: 300 } } as unknown; // on purpose
      if (state.status !== "created") {
        expect(() => assertContainer(broken as ContainerState)).toThrow(/bug/);
      }
    },
  );

  test("exit-code-is-status for every status that a process can end with", () => {
    const seen = new Map<number, string>();
    for (let code = 0; code < 128; code++) {
      expect(exitCodeOf({ exitCode: code })).toBe(code);
      seen.set(code, "exit");
    }
    for (let number = 1; number <= 64; number++) {
      const name = signalName(number);
      expect(signalNumber(name)).toBe(number);
      const code = exitCodeOf({ signal: name, coreDumped: false });
      expect(code).toBe(128 + number);
      expect(seen.has(code)).toBe(false);
      seen.set(code, name);
    }
  });
});

// ── bytes ────────────────────────────────────────────────────────────────────────────────────────

/** Cuts bytes at some places. */
function cutAt(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  cuts.sort((left, right) => left - right);
  return cuts.slice(1).map((end, at) => bytes.slice(cuts[at], end));
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const frame: fc.Arbitrary<Frame> = fc.record({
  stream: fc.constantFrom("stdin" as const, "stdout", "stderr"),
  payload: fc.uint8Array({ maxLength: 300 }),
});

/** Text with the lengths and characters at which cutting could go wrong. */
const output = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc.constantFrom("\n", "\n\n", "é", "€", "😀", "\r\n", "\0"),
      fc
        .tuple(fc.constantFrom("a", "é", "€", "😀"), fc.integer({ min: -3, max: 3 }))
        .map(([char, off]) => "x".repeat(Math.max(0, off)) + char.repeat(LOG_PART_BYTES / 2 + off)),
      fc.constantFrom("y".repeat(LOG_PART_BYTES - 1), "z".repeat(LOG_PART_BYTES)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

function cutLines(chunks: readonly Uint8Array[]): readonly string[] {
  const cutter = createLineCutter();
  return [...chunks.flatMap((chunk) => cutter.push(chunk)), ...cutter.end()];
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What came of one stream before the other spoke, as one piece. */
function runsOf(frames: readonly Frame[]): readonly string[] {
  const runs: string[] = [];
  let last: string | undefined;
  for (const { stream, payload } of frames.filter((frame) => frame.payload.length > 0)) {
    const bytes = payload.join();
    if (stream === last) runs.push(`${runs.pop() ?? ""},${bytes}`);
    else runs.push(`${stream} ${bytes}`);
    last = stream;
  }
  return runs;
}

describe("bytes", () => {
  test.prop([fc.array(frame, { maxLength: 8 }), cuts])(
    "frames-round-trip however the bytes are cut",
    (frames, places) => {
      const bytes = concatBytes(frames.map(({ stream, payload }) => encodeFrame(stream, payload)));
      const reader = createFrameReader();
      const read = cutAt(bytes, places).flatMap((chunk) => reader.push(chunk));
      expect(runsOf(read)).toEqual(runsOf(frames));
      const emptyOnes = (all: readonly Frame[]) =>
        all.filter(({ payload }) => payload.length === 0);
      expect(emptyOnes(read)).toEqual(emptyOnes(frames));
      expect(reader.isInside()).toBe(false);
    },
  );

  test.prop([fc.array(fc.string()), fc.uint8Array({ maxLength: 50 }), cuts])(
    "lines-ignore-chunking and leave what follows the first line alone",
    (texts, tail, places) => {
      const lines = texts.map((text) => JSON.stringify(text));
      const bytes = concatBytes(lines.map((line) => encode(`${line}\n`)));
      const reader = createLineReader();
      expect(cutAt(bytes, places).flatMap((chunk) => [...reader.push(chunk)])).toEqual(lines);
      const first = createLineReader();
      let found: string | undefined;
      const rest: Uint8Array[] = [];
      for (const chunk of cutAt(concatBytes([encode("one\n"), tail]), places)) {
        if (found !== undefined) rest.push(chunk);
        else {
          found = first.pushForOne(chunk);
          if (found !== undefined) rest.push(first.rest());
        }
      }
      expect([found, concatBytes(rest)]).toEqual(["one", new Uint8Array(tail)]);
    },
  );

  test.prop([output, cuts])("log-ignores-chunking of what is written", (text, places) => {
    const bytes = encode(text);
    const whole = cutLines([bytes]);
    expect(cutLines(cutAt(bytes, places))).toEqual(whole);
    for (const part of whole) {
      expect(encode(part).length).toBeLessThanOrEqual(LOG_PART_BYTES);
      expect(part.slice(0, -1)).not.toContain("\n");
    }
  });

  test.prop([
    fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 80 }),
    fc.integer({ min: 1, max: 400 }),
    fc.integer({ min: 1, max: 4 }),
  ])(
    "rotation-loses-nothing: the files hold the newest lines, none twice, each up to its limit",
    (lengths, maxBytes, maxFiles) => {
      const disk = memoryFiles();
      const written: string[] = [];
      // A writer for each ten lines: a restarted container goes on with the log.
      for (let at = 0; at < lengths.length; at += 10) {
        const rotation = { maxBytes, maxFiles };
        const target = { kernel: disk, path: "/log", rotation, continues: at > 0 };
        const writer = createLogWriter({ ...target, onAppended: () => undefined });
        for (const length of lengths.slice(at, at + 10)) {
          const line = `${written.length} ${"x".repeat(length)}\n`;
          written.push(line);
          writer.write("stdout", encode(line));
        }
        writer.end();
      }
      const found = [...readLog({ kernel: disk, path: "/log", maxFiles }, null, null)].flat();
      const lines = found.map(({ log }) => log);
      expect(lines).toEqual(written.slice(written.length - lines.length));
      const sizes = [...disk.files].map(([path, { text }]) => [path, text.length] as const);
      expect(sizes.length).toBeLessThanOrEqual(maxFiles);
      const old = sizes.filter(([path]) => path !== "/log");
      expect(old.filter(([, size]) => size < maxBytes)).toEqual([]);
      // Nothing is thrown away before all files are full.
      if (sizes.length < maxFiles) expect(lines).toEqual(written);
      const times = found.map(({ time }) => comparableTime(time));
      expect(new Set(times).size).toBe(times.length);
    },
  );

  test.prop([
    fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { maxLength: 30 }),
    fc.integer({ min: 60, max: 400 }),
    fc.integer({ min: 1, max: 4 }),
    fc.boolean(),
  ])(
    "logs-rotate-in-sight: a slow reader sees no line twice and none out of order, and what it missed is told",
    (turns, maxBytes, maxFiles, rotates) => {
      const disk = memoryFiles();
      const rotation = { maxBytes: rotates ? maxBytes : null, maxFiles };
      const log = { kernel: disk, path: "/log", maxFiles };
      const seen: LogEntry[] = [];
      // As the keeper does: a follower that has not read so many writes is let go.
      const appended: LogEntry[] = [];
      let isLetGo = false;
      const onAppended = (text: string): void => {
        isLetGo ||= appended.length >= 3;
        if (!isLetGo) appended.push(...createLogParser()(encode(text)));
      };
      const writer = createLogWriter({ kernel: disk, path: "/log", rotation, onAppended });
      const shown = () => comparableTime(seen.findLast(({ isGap }) => isGap !== true)?.time ?? "");
      let place = disk.endOf();
      let reader = linesOf(readLog(log, null, place));
      const read = (): void => {
        const next = reader.next();
        if (next.done !== true) return void seen.push(next.value);
        const following = appended.shift();
        if (following !== undefined) return void seen.push(following);
        if (!isLetGo) return;
        const start = { place, shown: seen.length === 0 ? "" : shown() };
        isLetGo = false;
        place = disk.endOf();
        reader = linesOf(readLog(log, start, place));
      };
      let count = 0;
      for (const [writes, reads] of turns) {
        for (let n = 0; n < writes; n++) writer.write("stdout", encode(`${count++}\n`));
        for (let n = 0; n < reads; n++) read();
      }
      for (let n = 0; n < 2 * count + 20; n++) read();
      const numbers = seen.map(({ log, isGap }) => (isGap === true ? -1 : Number(log)));
      const lines = numbers.filter((number) => number !== -1);
      expect(lines).toEqual([...new Set(lines)].toSorted((a, b) => a - b));
      const untold = numbers.filter((number, at) => {
        const before = numbers[at - 1];
        return number !== -1 && before !== undefined && before !== -1 && number !== before + 1;
      });
      expect(untold).toEqual([]);
      if (disk.lost() === 0) expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n));
      if (count > 0) expect(numbers.at(-1)).toBe(count - 1);
    },
  );

  test.prop([output, output, fc.array(fc.boolean()), cuts])(
    "log-loses-nothing of either stream, through the file and back",
    (stdout, stderr, order, places) => {
      let file = "";
      const followed: string[] = [];
      const kernel = {
        nowMs: () => 1_000_000.5,
        writeFile: (_: string, data: Uint8Array | string) => void (file += String(data)),
        ...NO_ROTATION,
      };
      const onAppended = (text: string) => followed.push(text);
      const writer = createLogWriter({ kernel, path: "/log", onAppended });
      const queues = {
        stdout: [...cutAt(encode(stdout), places)],
        stderr: [...cutAt(encode(stderr), places)],
      };
      const turns = [...order];
      while (queues.stdout.length + queues.stderr.length > 0) {
        const wanted = (turns.shift() ?? true) ? "stdout" : "stderr";
        const other = wanted === "stdout" ? "stderr" : "stdout";
        const stream = queues[wanted].length > 0 ? wanted : other;
        writer.write(stream, queues[stream].shift() ?? new Uint8Array(0));
      }
      writer.end();
      expect(followed.join("")).toBe(file);
      const parse = createLogParser();
      const entries = cutAt(encode(file), places).flatMap((chunk) => parse(chunk));
      const joined = (stream: string) =>
        entries
          .filter((entry) => entry.stream === stream)
          .map(({ log }) => log)
          .join("");
      expect([joined("stdout"), joined("stderr")]).toEqual([stdout, stderr]);
    },
  );

  test.prop([
    fc.array(
      fc.record({
        log: output,
        stream: fc.constantFrom("stdout" as const, "stderr"),
        atMs: fc.integer({ min: 0, max: 100 }),
      }),
      { maxLength: 12 },
    ),
    fc.record({ maxBytes: fc.constantFrom(null, 500, 100_000), maxFiles: fc.nat({ max: 3 }) }),
    fc.record({ tail: fc.integer({ min: 1, max: 12 }), sinceMs: fc.nat({ max: 100 }) }),
    fc.record({ stderr: fc.boolean(), isCut: fc.boolean(), seeks: fc.boolean() }),
  ])(
    "log-tail-is-suffix of what is wanted, through all files",
    (lines, { maxBytes, maxFiles }, { tail, sinceMs }, { stderr, isCut, seeks }) => {
      const disk = memoryFiles();
      const log = { kernel: disk, path: "/log", maxFiles: maxFiles + 1 };
      const rotation = { maxBytes, maxFiles: maxFiles + 1 };
      let nowMs = 0;
      const kernel = { ...disk, nowMs: () => nowMs };
      const target = { kernel, path: "/log", rotation, onAppended: () => undefined };
      const writer = createLogWriter(target);
      for (const { log, stream, atMs } of lines) {
        nowMs += atMs;
        writer.write(stream, encode(log));
      }
      writer.end();
      // A crash cuts a line, and the time may be that of a line not yet there.
      if (isCut) disk.writeFile("/log", '{"log":"cut');
      const end = endOfLog(log);
      disk.writeFile("/log", printLogEntry({ log: "later\n", stream: "stdout", time: "2030" }));
      const filter = { stdout: true, stderr, sinceMs, untilMs: nowMs - 50 };
      const isShown = (entry: LogEntry): boolean => isWanted(entry, filter);
      const all = [...readLog(log, null, end)].flat().filter(isShown);
      const from = seeks ? placeOfTime(log, end, sinceMs) : null;
      const place = placeOfTail(log, end, { from, isWanted: isShown, count: tail });
      const begin = place ?? from;
      const start = begin === null ? null : { place: begin, shown: "" };
      const last = [...readLog(log, start, end)].flat().filter(isShown);
      expect(last).toEqual(all.slice(-tail));
      if (all.length >= tail) expect(place).not.toBeNull();
    },
  );

  const writeToFind = fc.record({
    // Often the same millisecond; lines of one write have one time.
    afterMs: fc.oneof(fc.nat({ max: 2 }), fc.nat({ max: 2 * CLOCK_STEP_MS })),
    count: fc.constantFrom(1, 1, 2, 12),
    length: fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 9000 })),
    isCut: fc.nat({ max: 7 }).map((chance) => chance === 0),
  });
  const written = { afterMs: 0, count: 1 as const, length: 9000, isCut: false };
  const lines = (length: number) => Array.from({ length }, () => written);
  const torn = lines(12).map((line) => ({ ...line, isCut: true }));
  const later = { ...written, afterMs: 2 * CLOCK_STEP_MS };
  const asIs = { restartAt: 0, backMs: 0 };
  const setBack = { restartAt: 15, backMs: 999 };
  test.prop(
    [
      fc.array(writeToFind, { minLength: 1, maxLength: 30, size: "max" }),
      fc.constantFrom(null, 30_000, 250_000),
      fc.tuple(fc.nat({ max: 29 }), fc.nat({ max: 29 })),
      // The container is started again after the clock was set back.
      fc.record({ restartAt: fc.nat({ max: 29 }), backMs: fc.nat({ max: CLOCK_STEP_MS - 1 }) }),
    ],
    {
      examples: [
        [[written, later, ...torn], null, [1, 1], asIs],
        [[written, { ...written, afterMs: 9 }, ...lines(28)], null, [3, 3], setBack],
        [lines(30), null, [20, 20], setBack],
        // The first look falls into the last line that is wanted.
        [[...lines(11), later, ...lines(9)], null, [0, 10], asIs],
        [[...lines(20), later, ...lines(9)], 30_000, [20, 29], asIs],
      ],
    },
  )(
    "log-search-misses-nothing: between two times there is all of it, and little else",
    (writes, maxBytes, wanted, { restartAt, backMs }) => {
      const disk = memoryFiles();
      const log = { kernel: disk, path: "/log", maxFiles: 4 };
      const rotation = { maxBytes, maxFiles: log.maxFiles };
      let nowMs = 2 * CLOCK_STEP_MS;
      const kernel = { ...disk, nowMs: () => nowMs };
      const target = { kernel, path: "/log", rotation, continues: true };
      const startWriter = () => createLogWriter({ ...target, onAppended: () => undefined });
      let writer = startWriter();
      const times = writes.map(({ afterMs, count, length, isCut }, at) => {
        nowMs += afterMs;
        if (at === restartAt) {
          // No two files begin in the same microsecond.
          nowMs -= backMs + 0.5;
          writer = startWriter();
        }
        // What comes next goes on behind it, so that neither of them is an entry.
        if (isCut) disk.writeFile("/log", '{"log":"cut');
        writer.write("stdout", encode(`${"x".repeat(length)}\n`.repeat(count)));
        return nowMs;
      });
      const chosen = wanted.map((at) => times[at % times.length] ?? 0);
      // Writes of one millisecond have microseconds of their own.
      const [sinceMs, untilMs] = [Math.min(...chosen), Math.max(...chosen) + 0.1];
      const end = endOfLog(log);
      const isBetween = (spareMs: number) => (entry: LogEntry) => {
        const ms = parseLogTime(entry.time);
        return ms >= sinceMs - spareMs && ms <= untilMs + spareMs;
      };
      const all = [...readLog(log, null, end)].flat();
      const last = endOfTime(log, end, untilMs);
      const place = placeOfTime(log, last, sinceMs);
      const start = place === null ? null : { place, shown: "" };
      const found = [...readLog(log, start, last)].flat();
      expect(found.filter(isBetween(0))).toEqual(all.filter(isBetween(0)));
      const far = found.filter((entry) => !isBetween(CLOCK_STEP_MS)(entry));
      const older = far.filter(({ time }) => parseLogTime(time) < sinceMs);
      // What a search leaves to be read, and a line with one that was cut before it.
      for (const others of [older, far.filter((entry) => !older.includes(entry))]) {
        const text = others.map(printLogEntry).join("");
        expect(text.length).toBeLessThan(64 * 1024 + 2 * 9100);
      }
      const tail = { from: place, isWanted: isBetween(0), count: 2 };
      const lastTwo = placeOfTail(log, last, tail) ?? place;
      const from = lastTwo === null ? null : { place: lastTwo, shown: "" };
      const shown = [...readLog(log, from, last)].flat().filter(isBetween(0));
      expect(shown).toEqual(all.filter(isBetween(0)).slice(-2));
    },
  );

  test.prop([
    fc.array(
      fc.record({
        log: fc.string({ unit: "grapheme" }),
        stream: fc.constantFrom("stdout" as const, "stderr"),
        time: fc.integer({ min: 0, max: 100 }).map(formatLogTime),
      }),
    ),
    fc.integer({ min: 0, max: 100 }),
    fc.record({ timestamps: fc.boolean(), raw: fc.boolean() }),
  ])("log-entries-at-once are what each is alone", (entries, sinceMs, format) => {
    for (const entry of entries) {
      const { log, stream, time } = entry;
      expect(printLogEntries([log], stream, time)).toBe(printLogEntry(entry));
      expect(parseLogEntry(printLogEntry(entry).trimEnd())).toEqual(entry);
      expect(formatLogTime(parseLogTime(time))).toBe(time);
      const isLater = parseLogTime(time) >= sinceMs;
      const filter = { stdout: true, stderr: false, sinceMs, untilMs: 1000 };
      expect(isWanted(entry, filter)).toBe(isLater && stream === "stdout");
    }
    const text = entries.map(printLogEntry).join("");
    expect(createLogParser()(encode(text))).toEqual(entries);
    // One that is broken costs itself only.
    expect(createLogParser()(encode(`${text}{"log":\n${text}`))).toEqual([...entries, ...entries]);
    const each = entries.map((entry) => formatEntry(entry, format));
    expect(formatEntries(entries, format)).toEqual(concatBytes(each));
  });
});

// ── the hub ──────────────────────────────────────────────────────────────────────────────────────

interface PaperSource extends ByteSource {
  emit(bytes: Uint8Array): void;
  end(): void;
}

/** A source that keeps what it is given while it is paused, as a pipe does. */
function paperSource(): PaperSource {
  const waiting: Uint8Array[] = [];
  const state = { paused: false, ended: false };
  let onData: (bytes: Uint8Array) => void = () => undefined;
  let onEnd: () => void = () => undefined;
  const flow = (): void => {
    while (!state.paused && waiting.length > 0) onData(waiting.shift() ?? new Uint8Array(0));
    if (state.ended && waiting.length === 0) onEnd();
  };
  return {
    listen: (data, end) => void ([onData, onEnd] = [data, end]),
    pause: () => void (state.paused = true),
    resume: () => {
      state.paused = false;
      flow();
    },
    emit: (bytes) => {
      waiting.push(bytes);
      flow();
    },
    end: () => {
      state.ended = true;
      flow();
    },
  };
}

/**
 * A sink that takes `capacity` bytes before it wants its reader to catch up.
 *
 * @param onTaken called within each write
 */
function paperSink(
  capacity: number,
  onTaken: () => void,
): ByteSink & { read(): void; readonly taken: Uint8Array[] } {
  const taken: Uint8Array[] = [];
  const waiting: (() => void)[] = [];
  let unread = 0;
  return {
    taken,
    read() {
      unread = 0;
      for (const resolve of waiting.splice(0)) resolve();
    },
    write: (bytes) => {
      taken.push(bytes);
      onTaken();
      unread += bytes.length;
      return unread < capacity;
    },
    drained: () => new Promise((resolve) => waiting.push(resolve)),
    end: () => undefined,
  };
}

type HubAction =
  | { readonly do: "write"; readonly stream: "stdout" | "stderr"; readonly text: string }
  | { readonly do: "read" | "leave"; readonly client: number };

const hubAction: fc.Arbitrary<HubAction> = fc.oneof(
  fc.record({
    do: fc.constant("write" as const),
    stream: fc.constantFrom("stdout" as const, "stderr"),
    text: fc.string({ minLength: 1, maxLength: 6 }),
  }),
  fc.record({ do: fc.constant("read" as const), client: fc.nat({ max: 2 }) }),
  fc.record({ do: fc.constant("leave" as const), client: fc.nat({ max: 2 }) }),
);

/** Runs a hub with three clients, of which the last wants stderr only. */
async function runHub(actions: readonly HubAction[], capacities: readonly number[]) {
  const logged: Frame[] = [];
  const log = {
    write: (stream: "stdout" | "stderr", payload: Uint8Array) =>
      void logged.push({ stream, payload }),
    end: () => undefined,
  };
  const hub = new StdioHub();
  const sinks = [0, 1, 2].map((index) => paperSink(capacities[index] ?? 1, () => neverAhead()));
  const clients = sinks.map((sink, index) =>
    hub.attach({ stdin: false, stdout: index < 2, stderr: true }, framing(sink)),
  );
  const left = new Set<number>();
  const written: Frame[] = [];
  const sources = { stdout: paperSource(), stderr: paperSource() };
  hub.connect({ stdin: undefined, ...sources }, { terminal: false, stdinOnce: false, log });
  const neverAhead = (): void => {
    const inLog = new Set(logged.map(({ payload }) => payload));
    for (const sink of sinks) {
      const decoder = createFrameReader();
      const received = sink.taken.flatMap((bytes) => [...decoder.push(bytes)]);
      expect(received.length).toBeLessThanOrEqual(inLog.size);
    }
  };
  for (const action of actions) {
    if (action.do === "write") {
      const payload = encode(action.text);
      written.push({ stream: action.stream, payload });
      sources[action.stream].emit(payload);
    } else if (action.do === "read") sinks[action.client]?.read();
    else {
      clients[action.client]?.detach();
      left.add(action.client);
    }
    neverAhead();
    await Promise.resolve();
  }
  const drained = hub.drained();
  sources.stdout.end();
  sources.stderr.end();
  await drained;
  hub.end();
  const receivedBy = (index: number): readonly Frame[] => {
    const decoder = createFrameReader();
    return (sinks[index]?.taken ?? []).flatMap((bytes) => [...decoder.push(bytes)]);
  };
  return { logged, written, left, receivedBy };
}

const plain = ({ stream, payload }: Frame) => `${stream} ${new TextDecoder().decode(payload)}`;

describe("hub", () => {
  const args = [
    fc.array(hubAction, { maxLength: 25 }),
    fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 3, maxLength: 3 }),
  ] as const;

  test.prop([...args])("hub-delivers-to-all that stay, in order", async (actions, capacities) => {
    const { written, logged, left, receivedBy } = await runHub(actions, capacities);
    for (const stream of ["stdout", "stderr"]) {
      const of = (frames: readonly Frame[]) =>
        frames.filter((each) => each.stream === stream).map(plain);
      expect(of(logged)).toEqual(of(written));
    }
    for (const index of [0, 1, 2]) {
      const expected = logged.filter(({ stream }) => index < 2 || stream === "stderr").map(plain);
      const received = receivedBy(index).map(plain);
      expect(received).toEqual(left.has(index) ? expected.slice(0, received.length) : expected);
    }
  });

  test.prop([...args])(
    "hub-logs-before-sending, and logs all whoever does not read",
    async (actions, capacities) => {
      const { written, logged } = await runHub(actions, capacities);
      expect(logged).toHaveLength(written.length);
    },
  );
});

// ── plans ────────────────────────────────────────────────────────────────────────────────────────

const deepPath = fc
  .array(fc.constantFrom("a", "b", "dev", "etc", "sys", "fs", "cgroup", "shm", "proc", "hosts"), {
    minLength: 1,
    maxLength: 4,
  })
  .map((parts) => `/${parts.join("/")}`)
  // Below a file there is no place, and init says so.
  .filter((path) => !path.startsWith("/etc/hosts/"));

const idMaps = {
  uid: [{ containerId: 0, hostId: 100_000, count: 65_536 }],
  gid: [{ containerId: 0, hostId: 100_000, count: 65_536 }],
};

/** Inputs that differ in everything that changes a plan's shape. */
const input: fc.Arbitrary<PlanInput> = fc
  .record({
    cgroups: fc.constantFrom("v1" as const, "v2"),
    binds: fc.uniqueArray(deepPath, { maxLength: 5 }),
    readOnly: fc.boolean(),
    tmpfs: fc.uniqueArray(deepPath, { maxLength: 2 }),
    privileged: fc.boolean(),
    readonlyRootfs: fc.boolean(),
    tty: fc.boolean(),
    user: fc.constantFrom("", "app", "1000:1000"),
    workdir: fc.constantFrom("", "/", "/srv/app"),
    network: fc.constantFrom("none", "host", "container:x"),
    ipc: fc.constantFrom("", "none", "host", "shareable", "container:x"),
    pid: fc.constantFrom("", "host", "container:x"),
    uts: fc.constantFrom("", "host"),
    userns: fc.constantFrom("", "private"),
    cgroupns: fc.constantFrom("", "host", "private"),
    options: fc.subarray(["no-new-privileges", "systempaths=unconfined"]),
    seccomp: fc.boolean(),
    score: fc.constantFrom(0, 500),
  })
  .map((wish) => {
    const tmpfs = wish.tmpfs.filter((path) => !wish.binds.includes(path));
    const hostConfig: Partial<HostConfig> = {
      Binds: wish.binds.map((path, n) => `/host/volume${n}:${path}${wish.readOnly ? ":ro" : ""}`),
      Tmpfs: Object.fromEntries(tmpfs.map((path) => [path, ""])),
      Privileged: wish.privileged,
      ReadonlyRootfs: wish.readonlyRootfs,
      NetworkMode: wish.network,
      IpcMode: wish.ipc,
      PidMode: wish.pid,
      UTSMode: wish.uts,
      UsernsMode: wish.userns,
      CgroupnsMode: wish.cgroupns,
      SecurityOpt: wish.options,
      OomScoreAdj: wish.score,
      Ulimits: [{ Name: "nofile", Soft: 10, Hard: 10 }],
    };
    const config = { Tty: wish.tty, User: wish.user, WorkingDir: wish.workdir };
    return paperInput({
      config,
      hostConfig,
      cgroups: wish.cgroups,
      input: {
        joins: { net: 71, ipc: 72, pid: 73 },
        idMaps: wish.userns === "private" ? idMaps : null,
        ...(wish.seccomp ? {} : { seccomp: null }),
      },
    });
  });

const opsOf = (plan: InitPlan): readonly string[] => plan.map(({ op }) => op);
const placeOf = (step: InitStep): string | undefined =>
  step.op === "bind" || step.op === "mount-inside" ? step.path : undefined;

describe("plans", () => {
  test.prop([input])("plan-ends-in-exec for every input", (facts) => {
    const ops = opsOf(planContainer(facts).init);
    expect(ops.at(-1)).toBe("exec");
    expect(ops.filter((op) => op === "exec")).toHaveLength(1);
  });

  test.prop([input])("pivot-after-host-paths for every input", (facts) => {
    const { init } = planContainer(facts);
    const pivot = opsOf(init).indexOf("pivot-root");
    expect(pivot).toBeGreaterThan(0);
    const after = JSON.stringify(init.slice(pivot + 1));
    expect(after).not.toContain("/host/");
    expect(after).not.toContain(PAPER_DIRECTORY);
    for (const step of init.slice(0, pivot)) {
      if (step.op === "mount-inside" || step.op === "bind") {
        expect(step.root).toBe(facts.paths.rootfs);
      }
      expect(["device", "symlink", "write", "make-directory", "workdir"]).not.toContain(step.op);
    }
  });

  test.prop([input])("cgroup-opened-before-joined, and privileges go later", (facts) => {
    const ops = opsOf(planContainer(facts).init);
    const order = ["open-cgroups", "pivot-root", "join-cgroups", "bounding-set", "user"];
    const places = order.map((op) => ops.indexOf(op));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(ops.indexOf("look-up-user")).toBeLessThan(ops.indexOf("resource-limit"));
  });

  test.prop([input])("namespaces-before-mounts for every input", (facts) => {
    const { init } = planContainer(facts);
    const firstMount = init.findIndex(({ op }) => ["mount", "mount-inside", "bind"].includes(op));
    const own = init.findIndex(
      (step) => step.op === "unshare" && step.flags.includes("CLONE_NEWNS"),
    );
    expect(own).toBeGreaterThanOrEqual(0);
    expect(own).toBeLessThan(firstMount);
    const first = init[firstMount];
    expect(first?.op === "mount" && first.mount.flags).toContain("MS_SLAVE");
  });

  test.prop([input])("mounts-by-depth for every input", (facts) => {
    const places = planContainer(facts).init.flatMap((step) => placeOf(step) ?? []);
    places.forEach((path, at) => {
      const hidden = places.slice(0, at).filter((earlier) => earlier.startsWith(`${path}/`));
      expect(hidden).toEqual([]);
    });
  });

  test.prop([input])("user-mounts-win over ours at the same place", (facts) => {
    const steps = planContainer(facts).init;
    const users = facts.hostConfig.Binds.map((text) => text.split(":")[1] ?? "");
    for (const path of users) {
      const there = steps.filter((step) => placeOf(step) === path);
      expect(there.map(({ concept }) => concept)).toEqual(["volumes"]);
    }
  });

  const request: fc.Arbitrary<ProcessRequest> = fc
    .record({
      privileged: fc.boolean(),
      seccomp: fc.option(fc.constant([{ code: 6, jt: 0, jf: 0, k: 0 }])),
      noNew: fc.boolean(),
      terminalGid: fc.option(fc.constant(5)),
      cgroupns: fc.boolean(),
    })
    .map(({ privileged, seccomp, noNew, terminalGid, cgroupns }) => ({
      config: PLAIN_CONFIG,
      hostConfig: {
        ...PLAIN_HOST_CONFIG,
        SecurityOpt: noNew ? ["no-new-privileges"] : [],
        Ulimits: [{ Name: "core", Soft: 0, Hard: 0 }],
      },
      machine: paperInput().machine,
      privileged,
      seccomp,
      argv: ["true"],
      env: [],
      user: "",
      workingDir: "",
      terminalGid,
      afterCgroup: cgroupns ? [{ op: "unshare", flags: ["CLONE_NEWCGROUP"] }] : [],
    }));

  test.prop([request])("privileges-only-shrink towards the program", (facts) => {
    const ops = opsOf(planProcess(facts));
    const allowed = ["bounding-set", "user", "capabilities", "no-new-privileges", "seccomp"];
    const after = ops.slice(ops.indexOf("bounding-set"), -2);
    expect(after.filter((op) => !allowed.includes(op))).toEqual([]);
    expect(after.indexOf("user")).toBeLessThan(after.indexOf("capabilities"));
    const filter = ops.indexOf("seccomp");
    if (filter === -1) return;
    const sealed = ops.indexOf("no-new-privileges");
    if (sealed === -1) expect(filter).toBeLessThan(ops.indexOf("bounding-set"));
    else expect([filter - 1, sealed > ops.indexOf("capabilities")]).toEqual([sealed, true]);
  });

  test.prop([request])("death-signal-is-last before exec", (facts) => {
    expect(opsOf(planProcess(facts)).slice(-2)).toEqual(["parent-death-signal", "exec"]);
  });
});

// ── init ─────────────────────────────────────────────────────────────────────────────────────────

/** Of a user namespace that was made for the walk. */
const HANDLE = 7;

describe("init", () => {
  test.prop([input])("init-walks-in-order on a kernel of paper", (facts) => {
    const { init } = planContainer(facts);
    const walked = createPaperKernel();
    walked.walk((inside) => runInit(inside, init, HANDLE));
    const isRoot = facts.config.User === "";
    const silent = (step: InitStep) => step.op === "own-stdio" && isRoot;
    const expected = init.filter((step) => !silent(step)).map((step) => step.why);
    expect(walked.steps()).toEqual(expected.filter((each, at) => each !== expected[at - 1]));
    expect(walked.calls().at(-1)).toBe("execve");
  });

  // Some from the end: the last calls are those of the search for the program.
  test.prop([input, fc.oneof(fc.nat(1000), fc.integer({ min: -5, max: -1 }))])(
    "init-reports-failure of whichever call fails, and stops there",
    (facts, which) => {
      const { init } = planContainer(facts);
      const whole = createPaperKernel();
      whole.walk((inside) => runInit(inside, init, HANDLE));
      const count = whole.calls().length;
      const failAt = which < 0 ? count + 1 + which : 1 + (which % count);
      const failing = createPaperKernel({ failAt, errno: "EIO" });
      let thrown: unknown;
      try {
        failing.walk((inside) => runInit(inside, init, HANDLE));
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(RuntimeError);
      expect(thrown).toHaveProperty("errno", "EIO");
      expect(failing.calls()).toHaveLength(failAt);
    },
  );
});

// ── real containers ──────────────────────────────────────────────────────────────────────────────

const why = whyNoContainers();
if (why !== undefined) console.log(`skipped: real containers: ${why}`);

describe.skipIf(why !== undefined)("real containers", () => {
  let bench: KeeperBench;
  beforeAll(async () => {
    bench = await KeeperBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test.prop(
    [
      fc.oneof(
        exitCode.map((code) => ({ script: `exit ${code}`, status: { exitCode: code } })),
        fc.constantFrom("TERM", "KILL", "USR1", "HUP", "ALRM").map((name) => ({
          script: `kill -${name} $$; sleep 1`,
          status: { signal: `SIG${name}`, coreDumped: false },
        })),
      ),
    ],
    { numRuns: 20 },
  )("exit-status-is-real for exit codes and signals", async ({ script, status }) => {
    // PID 1 ignores signals of its own namespace: the process shares the host's.
    const hostConfig = { PidMode: "host" };
    const { exit } = await bench.run({ config: { Cmd: ["sh", "-c", script] }, hostConfig });
    expect(exit.status).toEqual(status);
  });

  test("exit-after-log: also of those whom it leaves behind with its streams", async () => {
    const { request, id, logPath } = await bench.prepare({
      config: { Cmd: ["sh", "-c", "(sleep 0.1; echo late) & exit 7"] },
      // In a PID namespace of its own nobody would be left behind.
      hostConfig: { PidMode: "host" },
    });
    const exit = bench.exitOf(id);
    await bench.keeper.start(request);
    await exit;
    expect(readFileSync(logPath, "utf8")).toContain("late");
  });

  test.prop([fc.integer({ min: 0, max: 3000 }), fc.boolean()], { numRuns: 12 })(
    "exit-after-log: when an exit is announced, log and exit file are complete",
    async (lines, newline) => {
      const script = `seq 1 ${lines}; printf 'end${newline ? "\\n" : ""}'; exit 7`;
      const { request, id, logPath, exitPath } = await bench.prepare({
        config: { Cmd: ["sh", "-c", script] },
      });
      const announced = bench.exitOf(id).then(() => {
        return { log: readFileSync(logPath, "utf8"), exit: existsSync(exitPath) };
      });
      await bench.keeper.start(request);
      const seen = await announced;
      const text = seen.log
        .split("\n")
        .map((line) => parseLogEntry(line)?.log ?? "")
        .join("");
      const numbers = Array.from({ length: lines }, (_, n) => `${n + 1}\n`).join("");
      expect([text, seen.exit]).toEqual([`${numbers}end${newline ? "\n" : ""}`, true]);
      expect(JSON.parse(readFileSync(exitPath, "utf8"))).toMatchObject({ status: { exitCode: 7 } });
    },
  );

  test.prop(
    [
      fc.record({
        NetworkMode: fc.constantFrom("none", "host"),
        IpcMode: fc.constantFrom("", "host"),
        PidMode: fc.constantFrom("", "host"),
        UTSMode: fc.constantFrom("", "host"),
        UsernsMode: fc.constantFrom("", "private"),
        CgroupnsMode: fc.constantFrom("host", "private"),
      }),
    ],
    { numRuns: 16 },
  )("exec-joins-its-target: its namespaces and its cgroup, and no other", async (hostConfig) => {
    const userns = hostConfig.UsernsMode === "private" ? { input: { idMaps } } : {};
    const container: Prepared = await bench.prepare({
      config: { Cmd: ["sleep", "1000"] },
      hostConfig,
      ...userns,
    });
    const { hostPid } = await bench.keeper.start(container.request);
    const request = bench.execRequest(container, hostPid, { command: ["sleep", "1000"] });
    const exec = await bench.keeper.start(request);
    const cgroupOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, "utf8");
    try {
      expect(readNamespaces(bench.kernel, exec.hostPid)).toEqual(
        readNamespaces(bench.kernel, hostPid),
      );
      expect(cgroupOf(exec.hostPid)).toBe(cgroupOf(hostPid));
      expect(cgroupOf(hostPid)).toContain(container.id);
    } finally {
      const exits = [bench.exitOf(container.id), bench.exitOf(request.id)];
      await bench.keeper.signal(container.id, "SIGKILL");
      await bench.keeper.signal(request.id, "SIGKILL");
      await Promise.all(exits);
    }
  });
});

/** What a log that is not limited never asks for. */
const NO_ROTATION = {
  statIfPresent: (): never => refuseCall("stat"),
  rename: (): never => refuseCall("rename"),
  unlink: (): never => refuseCall("unlink"),
};

function refuseCall(name: string): never {
  throw new Error(`${name} was called for a log without limits`);
}

function* linesOf(batches: Iterable<readonly LogEntry[]>): Generator<LogEntry, void, undefined> {
  for (const entries of batches) yield* entries;
}

/** A directory in memory. */
function memoryFiles() {
  const files = new Map<string, { text: string }>();
  let ms = 1_000_000;
  const at = (call: string, path: string) => {
    const file = files.get(path);
    if (file === undefined) throw new KernelError(call, "ENOENT", path);
    return file;
  };
  const textOf = (path: string): string => files.get(path)?.text ?? "";
  const readRange = (path: string, offset: number, length: number): Uint8Array =>
    encode(at("pread", path).text).slice(offset, offset + length);
  let lost = 0;
  return {
    files,
    endOf: () => ({
      born: bornOf({ readRange }, "/log"),
      offsetBytes: encode(textOf("/log")).length,
    }),
    /** How many files with lines in them are no more. */
    lost: () => lost,
    // A clock that stands still now and then.
    nowMs: () => (ms += ms % 3 === 0 ? 0.25 : 0),
    writeFile: (path: string, data: Uint8Array | string) => {
      const file = files.get(path) ?? { text: "" };
      file.text += String(data);
      files.set(path, file);
    },
    statIfPresent: (path: string): FileStat | undefined => {
      const file = files.get(path);
      return file === undefined
        ? undefined
        : { ...PLAIN_STAT, sizeBytes: encode(file.text).length };
    },
    readRange,
    rename: (from: string, to: string) => {
      if (files.has(from) && files.has(to)) lost++;
      files.set(to, at("rename", from));
      files.delete(from);
    },
    unlink: (path: string) => {
      at("unlink", path);
      lost++;
      files.delete(path);
    },
  };
}

const PLAIN_STAT: FileStat = {
  type: "file",
  mode: 0o640,
  hostUid: 0,
  hostGid: 0,
  sizeBytes: 0,
  mtimeMs: 0,
  inode: 0,
  device: 1,
  links: 1,
  rdevMajor: 0,
  rdevMinor: 0,
};
