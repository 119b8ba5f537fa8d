import { expect, test } from "vitest";
import type { JournalEntry } from "../kernel/index.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { createModelKernel } from "../kernel/model/index.ts";
import { openJournal } from "./journal.ts";

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
  const journal = openJournal(kernel, "/journal.jsonl", "web");
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
    expect(entries).toEqual([{ ...unshare, where: "init" }]);
  }
  journal.close();
});
