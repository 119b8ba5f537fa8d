/** A request's body as an archive's reader takes it. */
import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { arrivingBytes } from "./arriving-bytes.ts";

const PIECE_BYTES = 64 * 1024;
const PIECES = 100;

function piece(number: number): Uint8Array {
  return new Uint8Array(PIECE_BYTES).fill(number);
}

test("arrivingBytes() gives what was sent, in order, however slowly it is taken", async () => {
  const stream = new PassThrough();
  const sent = Array.from({ length: PIECES }, (_, number) => piece(number));
  for (const each of sent) stream.write(each);
  stream.end();
  const taken: number[] = [];
  for await (const bytes of arrivingBytes(stream)) {
    taken.push(...new Set(bytes));
    await turn();
  }
  expect(taken).toEqual(sent.map(([first]) => first));
});

test("arrivingBytes() makes the sender wait for a reader who takes nothing", async () => {
  const stream = new PassThrough();
  const bytes = arrivingBytes(stream);
  const first = bytes.next();
  stream.write(piece(1));
  await first;
  let sent = 1;
  for (; sent < PIECES && stream.write(piece(sent)); sent++) await turn();
  for (let tries = 0; tries < PIECES; tries++) await turn();
  expect(stream.writableNeedDrain).toBe(true);
  expect(sent).toBeLessThan(PIECES);
  await bytes.return(undefined);
});

test("arrivingBytes() fails when the sender leaves in the middle", async () => {
  const stream = new PassThrough();
  stream.write(piece(1));
  const bytes = arrivingBytes(stream);
  await bytes.next();
  stream.destroy();
  await expect(bytes.next()).rejects.toThrow("Premature close");
});

test("arrivingBytes() lets the rest flow past a reader who has seen enough", async () => {
  const stream = new PassThrough();
  stream.write(piece(1));
  for await (const bytes of arrivingBytes(stream)) {
    expect(bytes).toEqual(Buffer.from(piece(1)));
    break;
  }
  const ended = new Promise((resolve) => stream.once("end", resolve));
  for (let number = 0; number < PIECES; number++) stream.write(piece(number));
  stream.end();
  await ended;
});
