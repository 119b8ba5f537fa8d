import { expect, test } from "vitest";
import { errnoOf, PLAIN } from "../../conformance/case.ts";
import { createLinuxKernel } from "../../linux/index.ts";
import { createModel, programFile } from "../index.ts";
import type { ModelProgram, ProgramContext } from "../state.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Runs programs on a machine of their own. @returns what they noted */
async function runAll(
  how: "together" | "in turn",
  programs: Readonly<
    Record<string, (context: ProgramContext, note: (text: string) => void) => unknown>
  >,
): Promise<readonly string[]> {
  const notes: string[] = [];
  const wrapped = Object.entries(programs).map(([name, run]): [string, ModelProgram] => [
    name,
    async (context) => {
      await run(context, (text) => notes.push(text));
      return 0;
    },
  ]);
  const { kernel } = createModel({
    clock: createLinuxKernel(),
    programs: Object.fromEntries(wrapped),
  });
  const names = Object.keys(programs);
  for (const name of names) kernel.writeFile(`/bin/${name}`, programFile(name), "create", 0o755);
  const children = [];
  for (const name of names) {
    const child = kernel.spawn(PLAIN, ({ kernel: own }) => own.execve(`/bin/${name}`, [name], []));
    children.push(child.exited);
    if (how === "in turn") await child.exited;
  }
  await Promise.all(children);
  return notes;
}

test("connect() gives both ends what the other writes, in both directions", async () => {
  const notes = await runAll("together", {
    server: async (context, note) => {
      const connection = await context.listen("0.0.0.0", 80).accept();
      note(`server: ${decoder.decode(await context.read(connection.source, 100))}`);
      await context.write(connection.sink, encoder.encode("pong"));
    },
    client: async (context, note) => {
      const connection = context.connect("127.0.0.1", 80);
      await context.write(connection.sink, encoder.encode("ping"));
      note(`client: ${decoder.decode(await context.read(connection.source, 100))}`);
    },
  });
  expect(notes).toEqual(["server: ping", "client: pong"]);
});

test("listen() and connect() say what is wrong, and a port is free when its program has ended", async () => {
  const notes = await runAll("in turn", {
    first: (context, note) => {
      context.listen("127.0.0.1", 80);
      note(errnoOf(() => context.listen("0.0.0.0", 80)));
      note(errnoOf(() => context.listen("127.0.0.2", 80)));
      note(errnoOf(() => context.listen("10.0.0.1", 80)));
    },
    second: (context, note) => {
      const { kernel } = context;
      note(errnoOf(() => context.connect("127.0.0.1", 80)));
      note(errnoOf(() => context.connect("10.0.0.1", 80)));
      note(errnoOf(() => context.listen("0.0.0.0", 80).close()));
      const sets = kernel.getCapabilities();
      kernel.setCapabilities({
        ...sets,
        permitted: [],
        effective: [],
        inheritable: [],
        ambient: [],
      });
      note(errnoOf(() => context.listen("0.0.0.0", 80)));
      note(errnoOf(() => context.listen("0.0.0.0", 1024)));
    },
  });
  expect(notes).toEqual([
    "EADDRINUSE",
    "OK",
    "EADDRNOTAVAIL",
    "ECONNREFUSED",
    "ENETUNREACH",
    "OK",
    "EACCES",
    "OK",
  ]);
});
