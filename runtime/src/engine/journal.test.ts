import { expect, test } from "vitest";
import type { JournalEntry, Kernel } from "../kernel/index.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { createModelKernel } from "../kernel/model/index.ts";
import { newerHalf, openJournal } from "./journal.ts";
import type { JournalOptions } from "./journal.ts";
import { Quiet } from "./quiet.ts";

function optionsOf(kernel: Kernel): JournalOptions {
  return { kernel, quiet: new Quiet(kernel) };
}

const unshare: JournalEntry = {
  n: 1,
  call: "unshare",
  args: [],
  effect: true,
  atUs: 1,
  durationUs: 1,
};

test("a reader who comes while the writer asks the keeper hears what init did, and once", async () => {
  const kernel = createModelKernel({ clock: createLinuxKernel() });
  const journal = openJournal(optionsOf(kernel), "/journal.jsonl", "web");
  const answers: ((entries: readonly JournalEntry[]) => void)[] = [];
  journal.addInit(() => new Promise((resolve) => answers.push(resolve)));
  const written = journal.flush();
  const read = [journal.read(), journal.read()];
  await Promise.resolve();
  expect(answers).toHaveLength(1);
  answers[0]?.([unshare]);
  await written;
  read.push(journal.read());
  for (const entries of await Promise.all(read)) {
    expect(entries).toEqual([{ ...unshare, where: "keeper" }]);
  }
  journal.close();
});

test("a keeper that does not answer holds up a reader for two seconds, and is heard later", async () => {
  const kernel = createModelKernel({ clock: createLinuxKernel() });
  const timers: (readonly [delayMs: number, ring: () => void])[] = [];
  const after: Kernel["after"] = (delayMs, ring) => {
    timers.push([delayMs, ring]);
    return () => undefined;
  };
  const journal = openJournal(optionsOf({ ...kernel, after }), "/journal.jsonl", "web");
  const { promise, answer } = answered();
  journal.addInit(() => promise);
  journal.addInit(async () => [{ ...unshare, hostPid: 7 }], "e1");
  const read = journal.read();
  for (const [delayMs, ring] of timers) if (delayMs === 2000) ring();
  const [early, ...others] = await read;
  expect([early?.exec?.id, others]).toEqual(["e1", []]);
  answer([unshare]);
  expect((await journal.read()).filter(({ exec }) => exec === undefined)).toEqual([
    { ...unshare, where: "keeper" },
  ]);
  journal.close();
});

function answered() {
  let answer: (entries: readonly JournalEntry[]) => void = () => undefined;
  const promise = new Promise<readonly JournalEntry[]>((resolve) => (answer = resolve));
  return { promise, answer };
}

test("a call of an exec tells which command it was for and how that ended, also from the file", async () => {
  const kernel = createModelKernel({ clock: createLinuxKernel() });
  const journal = openJournal(optionsOf(kernel), "/journal.jsonl", "web");
  journal.noteExec("e1", { command: ["echo", "hi"] });
  journal.addInit(async () => [{ ...unshare, hostPid: 7 }], "e1");
  await journal.flush();
  const [running] = await journal.read();
  expect(running?.exec).toEqual({ id: "e1", command: ["echo", "hi"], exitCode: null });
  journal.noteExec("e1", { exitCode: 3 });
  await journal.flush();
  journal.close();
  const entries = await openJournal(
    { kernel, quiet: new Quiet(kernel) },
    "/journal.jsonl",
    "web",
  ).read();
  const exec = { id: "e1", command: ["echo", "hi"], exitCode: 3 };
  expect(entries).toEqual([{ ...unshare, hostPid: 7, where: "init", exec }]);
});

test("a journal that is too long forgets old execs before it forgets the container's creation", () => {
  const own = ["create", "start"].map((call) => JSON.stringify({ call }));
  const execs = [1, 2, 3, 4].map((n) => JSON.stringify({ call: "spawn", exec: `e${n}` }));
  expect(newerHalf([...own, ...execs])).toEqual([...own, ...execs.slice(2)]);
  expect(newerHalf(["a", "b", "c", "d"])).toEqual(["c", "d"]);
});
