/** Many calls at once on a model engine, while processes die and daemons are killed. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { ConcurrentBench } from "./concurrent-engine.fixture.ts";
import { pass } from "./model-engine.fixture.ts";
import { describeWorld, explains, type Call, type World } from "./sequential-engine.fixture.ts";

const NAMES = ["one", "two"];
const call: fc.Arbitrary<Call> = fc.record({
  does: fc.constantFrom(
    ...(["create", "start", "stop", "kill", "restart", "pause", "unpause", "remove"] as const),
    ...(["remove by force", "rename", "exec", "inspect", "die", "start", "inspect"] as const),
  ),
  name: fc.constantFrom(...NAMES, "one"),
  newName: fc.constantFrom("two", "three", "one"),
});

/** A call, how long until the next one, and how many timers go off in the middle. */
const move: fc.Arbitrary<Move> = fc.record({
  call,
  // Mostly before anything of it could have been answered.
  turns: fc.constantFrom(0, 0, 0, 1, 2, 3, 5, 8, 14),
  // A stop of what does not listen is through after a few.
  rings: fc.constantFrom(0, 0, 1, 1, 8),
});

/** What happens until everything is quiet again, or until the daemon is killed. */
const round: fc.Arbitrary<Round> = fc.record({
  moves: fc.array(move, { minLength: 1, maxLength: 6 }),
  ends: fc.constantFrom("quietly", "quietly", "by a crash"),
});

interface Move {
  readonly call: Call;
  readonly turns: number;
  readonly rings: number;
}

interface Round {
  readonly moves: readonly Move[];
  readonly ends: string;
}

/**
 * Calls without a pause between them, but where there are dots: a timer goes off at each.
 *
 * @example together("stop one", "inspect one ……")
 */
function together(...calls: readonly string[]): Round {
  const moves = calls.map((text) => {
    const [does = "", name = "", newName = ""] = text
      .replace(/ …+$/u, "")
      .split(/ (?=one|two|th)/u);
    const rings = text.split("…").length - 1;
    const turns = rings === 0 ? 0 : 60;
    // A test that knows no such call fails at once.
    return { call: { does: does as Call["does"], name, newName }, turns, rings };
  });
  return { moves, ends: "quietly" };
}

const crashed = (round: Round): Round => ({ ...round, ends: "by a crash" });

/** Found once, or looked for by thinking. */
const FOUND: readonly (readonly Round[])[] = [
  // The definition of a removed container was written again, under its new name. It shows only to
  // who comes after the stop and before the files are removed, a few timers later.
  ...["…", "……", "………", "…………", "……………"].map((timers) => [
    together("start one"),
    crashed(together("stop one", "remove one", `rename one three ${timers}`, "inspect two")),
  ]),
  [together("start one"), together("restart one", "kill one", "exec one", "inspect one")],
  [together("start one", "pause one"), together("stop one", "unpause one", "inspect one")],
  [together("start one"), together("remove by force one", "create one", "start one", "die one")],
];

const rounds = fc.array(round, { minLength: 1, maxLength: 4 });
const delays = fc.array(fc.nat(4), { minLength: 1, maxLength: 20 });

test.prop([rounds, delays], {
  numRuns: 120,
  examples: FOUND.flatMap((example): [Round[], number[]][] =>
    [[0], [2], [0, 4, 1]].map((slow) => [[...example], slow]),
  ),
})(
  "calls-are-serial: random calls at once, deaths of processes and of daemons, equal some order",
  async (rounds, delays) => {
    let messages = 0;
    const bench = new ConcurrentBench(() => delays[messages++ % delays.length] ?? 0);
    await bench.open();
    for (const name of NAMES) {
      bench.call({ does: "create", name, newName: "" });
      await bench.settle();
    }
    let world: World = explainOrFail(bench, [], await bench.look());
    for (const { moves, ends } of rounds) {
      for (const { call, turns, rings } of moves) {
        bench.call(call);
        await pass(turns);
        for (let rung = 0; rung < rings; rung++) {
          bench.ring();
          await pass(turns);
        }
      }
      if (ends === "quietly") await bench.settle();
      else await bench.crash();
      world = explainOrFail(bench, world, await bench.look());
      if (ends === "quietly") expect(describeWorld(world)).toBe(await bench.look());
    }
  },
);

/** What is after the calls, as it would be after some order of them. */
function explainOrFail(bench: ConcurrentBench, before: World, found: string): World {
  const calls = bench.takeCalls();
  const after = explains(before, calls, found);
  const story = calls.map(({ call: { does, name, newName }, calledAt, answeredAt, answer }) => {
    const what = does === "rename" ? `${does} ${name} to ${newName}` : `${does} ${name}`;
    return `${calledAt} ${what}; ${answeredAt}: ${answer}`;
  });
  if (after === null) {
    throw new Error(
      [`No order explains: ${describeWorld(before)}`, ...story, `then: ${found}`].join("\n  "),
    );
  }
  return after;
}
