/**
 * Bytes: commands that copy and compare bytes, whatever they mean.
 *
 * Kernel interface: read(2), write(2), truncate(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: of dd seeking and conversions.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { readOptions } from "./options.ts";
import { bytesOf } from "./sizes.ts";
import type { Sink, Source } from "../state.ts";
import { Failure, forEach, open, readAll, say, type Applet, type Tool } from "./tool.ts";

interface Copying {
  readonly from: Source;
  readonly to: Sink;
  readonly size: number;
  readonly skip: number;
  readonly count: number;
  readonly isSilent: boolean;
}

/** `dd [if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [conv=notrunc] [status=none]` */
export const dd: Applet = async (tool) => {
  const { from, to, size, skip, count, isSilent } = readCopying(tool);
  const { context, streams } = tool;
  for (let left = skip * size; left > 0;) {
    const bytes = await context.read(from, Math.min(left, 65_536));
    if (bytes.length === 0) break;
    left -= bytes.length;
  }
  const blocks: number[] = [];
  while (blocks.length < count) {
    const bytes = await context.read(from, size);
    if (bytes.length === 0) break;
    blocks.push(bytes.length);
    await context.write(to, bytes);
  }
  if (isSilent) return 0;
  const full = blocks.filter((each) => each === size).length;
  const records = `${full}+${blocks.length - full} records`;
  const text = `${records} in\n${records} out\n`;
  await context.write(streams.stderr, new TextEncoder().encode(text));
  return 0;
};

function readCopying(tool: Tool): Copying {
  const given = new Map(tool.args.map((each) => [each.split("=")[0], each.replace(/^\w*=/, "")]));
  const path = given.get("of");
  const how = given.get("conv")?.includes("notrunc") === true ? "existing" : "create";
  const count = given.get("count");
  return {
    from: open(tool, given.get("if") ?? "-"),
    to: path === undefined ? tool.streams.stdout : tool.context.openSink(path, how),
    size: bytesOf(given.get("bs") ?? "512"),
    skip: bytesOf(given.get("skip") ?? "0"),
    count: count === undefined ? Infinity : bytesOf(count),
    isSilent: given.get("status") === "none",
  };
}

/** `truncate -s SIZE FILE…` */
export const truncate: Applet = (tool) => {
  const options = readOptions(tool, "s:c");
  const size = bytesOf(options.value("s") ?? "0");
  return forEach(tool, options.operands, String, (path) => {
    tool.kernel.writeFile(path, "", "append", 0o644);
    tool.kernel.truncate(path, size);
  });
};

/** `tee [-a] FILE…` */
export const tee: Applet = async (tool) => {
  const options = readOptions(tool, "ai");
  const how = options.has("a") ? "append" : "create";
  const sinks = options.operands.map((path) => tool.context.openSink(path, how));
  for (;;) {
    const bytes = await tool.context.read(tool.streams.stdin, 65_536);
    if (bytes.length === 0) return 0;
    await say(tool, bytes);
    for (const sink of sinks) await tool.context.write(sink, bytes);
  }
};

/** `sync` */
export const sync: Applet = () => 0;

/** `cmp [-s] FILE [FILE]`: whether two files hold the same bytes. */
export const cmp: Applet = async (tool) => {
  const options = readOptions(tool, "sl");
  const [left = "", right = "-"] = options.operands;
  const [a, b] = [await readAll(tool, open(tool, left)), await readAll(tool, open(tool, right))];
  const at = a.findIndex((byte, index) => byte !== b[index]);
  const isEnd = at < 0 || at >= b.length;
  if (at < 0 && a.length === b.length) return 0;
  if (options.has("s")) return 1;
  if (isEnd) throw new Failure(`EOF on ${a.length < b.length ? left : right}`);
  const line = a.subarray(0, at).filter((byte) => byte === 10).length + 1;
  await say(
    tool,
    `${left} ${right} differ: char ${at + 1}, line ${line}
`,
  );
  return 1;
};
