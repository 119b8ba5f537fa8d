/**
 * Properties of the command line: what comes in pieces does not depend on how it was cut, and what
 * is written can be read back.
 *
 * @module
 */
import { expect } from "vitest";
import { fc, test } from "@fast-check/vitest";
import { createAnswerReader } from "../runtime/src/cli/http1.ts";
import { detachFilter } from "../runtime/src/wire/index.ts";
import { parseWords, type Flag } from "../runtime/src/cli/grammar.ts";
import { indentJson } from "../runtime/src/cli/indent-json.ts";
import { CONTAINER_FLAGS } from "../runtime/src/cli/options/flags.ts";
import { parseKeyValueFile } from "../runtime/src/cli/options/key-values.ts";
import { LIST_LAYOUT, layOut } from "../runtime/src/cli/table.ts";
import { evaluate, parseFormat } from "../runtime/src/cli/template/evaluate.ts";
import { quoteGo, unquoteGo } from "../runtime/src/cli/template/go-strings.ts";
import { parseBytes } from "../runtime/src/cli/values.ts";

const encoder = new TextEncoder();

/** Bytes cut at some places. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted(
    (a, b) => a - b,
  );
  return [0, ...places].map((start, index) => bytes.slice(start, places[index] ?? bytes.length));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const cuts = fc.array(fc.nat(), { maxLength: 20 });

// --- grammar

/** Flags that take any text, and switches: values that need no form of their own. */
const plain = CONTAINER_FLAGS.filter(
  (flag) =>
    flag.aliasOf === undefined &&
    flag.check === undefined &&
    ["bool", "string", "list"].includes(flag.kind),
);

interface Given {
  readonly flag: Flag;
  readonly value: string;
  readonly spelling: number;
}

const value = fc.string({ maxLength: 8 });
const given = fc
  .record({ flag: fc.constantFrom(...plain), value, on: fc.boolean(), spelling: fc.nat(3) })
  .map(({ flag, value, on, spelling }): Given => {
    return { flag, value: flag.kind === "bool" ? String(on) : value, spelling };
  });

/** One flag in one of its spellings. */
function print({ flag, value, spelling }: Given): string[] {
  return flag.kind === "bool"
    ? [printSwitch(flag, value, spelling)]
    : printValue(flag, value, spelling);
}

function printSwitch({ name, short = "" }: Flag, value: string, spelling: number): string {
  const bare = value === "true" && spelling < 2;
  if (short === "" || spelling % 2 === 0) return bare ? `--${name}` : `--${name}=${value}`;
  return bare ? `-${short}` : `-${short}=${value}`;
}

function printValue({ name, short = "" }: Flag, value: string, spelling: number): string[] {
  if (spelling === 0) return [`--${name}`, value];
  if (short === "" || spelling === 1) return [`--${name}=${value}`];
  // "-e=" would mean the value "=", and "-e" alone takes the next word.
  const apart = spelling === 2 || value === "" || value.startsWith("=");
  return apart ? [`-${short}`, value] : [`-${short}${value}`];
}

const grammar = { flags: CONTAINER_FLAGS, interspersed: false };

test.prop([fc.array(given, { maxLength: 12 })])("flags-round-trip", (all) => {
  const { flags, args } = parseWords(grammar, [...all.flatMap(print), "image"]);
  expect(args).toEqual(["image"]);
  for (const { flag } of all) {
    const mine = all.filter((each) => each.flag.name === flag.name).map((each) => each.value);
    if (flag.kind === "list") expect(flags.list(flag.name)).toEqual(mine);
    else if (flag.kind === "bool") expect(String(flags.bool(flag.name))).toBe(mine.at(-1));
    else expect(flags.text(flag.name)).toBe(mine.at(-1));
  }
  for (const flag of plain.filter((each) => !all.some((one) => one.flag.name === each.name))) {
    expect(flags.changed(flag.name)).toBe(false);
  }
});

test.prop([
  fc.array(given, { maxLength: 5 }),
  fc.string({ minLength: 1 }).filter((image) => !image.startsWith("-")),
  fc.array(fc.oneof(fc.string(), fc.constantFrom("-it", "--rm", "--", "-e", "--name=x"))),
])("arguments-untouched", (flags, image, words) => {
  const before = flags.flatMap(print);
  expect(parseWords(grammar, [...before, image, ...words]).args).toEqual([image, ...words]);
  expect(parseWords(grammar, [...before, "--", "-x", ...words]).args).toEqual(["-x", ...words]);
});

test.prop([fc.nat(1 << 20), fc.constantFrom("b", "k", "m", "g", "kb", "MiB", "T")])(
  "bytes-round-trip",
  (count, unit) => {
    const power = { b: 0, k: 1, m: 2, g: 3, t: 4 }[unit.slice(0, 1).toLowerCase()] ?? 0;
    expect(parseBytes(`${count}${unit}`)).toBe(count * 1024 ** power);
  },
);

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,6}$/);
const line = fc.string().map((text) => text.replaceAll(/[\r\n\uFEFF]/g, ""));

test.prop([fc.array(fc.tuple(name, line)), fc.constantFrom("\n", "\r\n")])(
  "env-file-round-trip",
  (pairs, ending) => {
    const lines = pairs.map(([key, text]) => `${key}=${text}`);
    const file = ["# a comment", "", ...lines].join(ending);
    expect(parseKeyValueFile(file, () => undefined)).toEqual(lines);
  },
);

// --- what comes in pieces

const answer = fc.record({
  status: fc.constantFrom(200, 201, 404, 500),
  body: fc.uint8Array({ maxLength: 200 }),
  framing: fc.constantFrom("length", "chunked", "close"),
  chunk: fc.integer({ min: 1, max: 50 }),
  interim: fc.boolean(),
});

test.prop([answer, cuts])(
  "http-any-chunking",
  ({ status, body, framing, chunk, interim }, where) => {
    const fields = {
      length: `Content-Length: ${body.length}\r\n`,
      chunked: "Transfer-Encoding: chunked\r\n",
      close: "",
    };
    const head = `HTTP/1.1 ${status} Text\r\nApi-Version: 1.50\r\n${fields[framing as "length"]}\r\n`;
    const parts = [
      encoder.encode(interim ? "HTTP/1.1 100 Continue\r\n\r\n" : ""),
      encoder.encode(head),
    ];
    if (framing === "chunked") {
      for (let at = 0; at < body.length; at += chunk) {
        const piece = body.slice(at, at + chunk);
        parts.push(
          encoder.encode(`${piece.length.toString(16)}\r\n`),
          piece,
          encoder.encode("\r\n"),
        );
      }
      parts.push(encoder.encode("0\r\nTrailer: x\r\n\r\n"));
    } else parts.push(body);
    const reader = createAnswerReader("GET");
    const events = [
      ...pieces(joined(parts), where).flatMap((piece) => [...reader.push(piece)]),
      ...reader.close(),
    ];
    expect(events[0]).toMatchObject({ kind: "head", status, headers: { "api-version": "1.50" } });
    expect(joined(events.flatMap((event) => (event.kind === "body" ? [event.bytes] : [])))).toEqual(
      body,
    );
    expect(events.filter(({ kind }) => kind === "end")).toHaveLength(1);
    expect(events.at(-1)?.kind).toBe("end");
  },
);

const key = fc.constantFrom(16, 17, 97, 98);

test.prop([fc.array(key, { maxLength: 20 }), fc.array(key, { minLength: 1, maxLength: 3 }), cuts])(
  "detach-any-chunking",
  (keys, sequence, where) => {
    const run = (chunks: readonly Uint8Array[]) => {
      const outcomes = chunks.map(detachFilter(sequence));
      return {
        sent: joined(outcomes.map(({ bytes }) => bytes)),
        detached: outcomes.some(({ detached }) => detached),
      };
    };
    const typed = Uint8Array.from(keys);
    const whole = run([typed]);
    expect(run(pieces(typed, where))).toEqual(whole);
    const text = keys.join();
    expect(whole.detached).toBe(`,${text},`.includes(`,${sequence.join()},`));
    // Sent is what was typed; but for the sequence, or for so much of it as stands at the end.
    const end = keys.findIndex((_, at) =>
      sequence.every((each, index) => keys[at + index] === each),
    );
    const held = sequence.findLastIndex((_, last) => {
      const part = sequence.slice(0, last + 1);
      return part.every((each, index) => keys.at(index - part.length) === each);
    });
    expect([...whole.sent]).toEqual(keys.slice(0, end >= 0 ? end : keys.length - held - 1));
  },
);

// --- what is shown

test.prop([fc.json({ maxDepth: 4 })])("indent-keeps-meaning", (text) => {
  const indented = indentJson(text, "  ");
  expect(JSON.parse(indented)).toEqual(JSON.parse(text));
  expect(indentJson(indented, "  ")).toBe(indented);
});

const cell = fc.string({ maxLength: 12 }).map((text) => text.replaceAll(/[\t\n ]/g, "_"));

test.prop([
  fc.integer({ min: 1, max: 5 }).chain((width) =>
    fc.array(
      fc.array(
        cell.filter((text) => text !== ""),
        { minLength: width, maxLength: width },
      ),
      {
        minLength: 1,
      },
    ),
  ),
])("table-keeps-cells", (rows) => {
  const laid = layOut(rows.map((cells) => `${cells.join("\t")}\n`).join(""), LIST_LAYOUT);
  const lines = laid.split("\n").slice(0, -1);
  expect(lines.map((text) => text.split(/ +/))).toEqual(rows);
  // Each column begins at the same place in every line.
  const starts = lines.map((text) =>
    [...text.matchAll(/(?:^| )(?=[^ ])/g)].map(({ index }) => index),
  );
  const plainWidth = rows.flat().every((text) => [...text].length === text.length);
  if (plainWidth) expect(new Set(starts.map((places) => places.join())).size).toBe(1);
});

test.prop([fc.string().filter((text) => !text.includes("{{"))])("text-is-literal", (text) => {
  expect(evaluate(parseFormat("", text), {})).toBe(text);
});

const oddLetter = fc.constantFrom(..."\0\u0001\u0007\u001F\u007F\n\\\"'0af");
const letter = fc.oneof(fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }), oddLetter);

test.prop([fc.string({ unit: letter })])("quote-round-trip", (text) => {
  expect(unquoteGo(quoteGo(text))).toBe(text);
});
