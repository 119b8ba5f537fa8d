/** Properties of what the keeper remembers for a daemon that is away. */
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { EndedExecs } from "../runtime/src/container/ended-execs.ts";

const containerId = fc.constantFrom("one", "two", "three");
const step = fc.oneof(
  { weight: 100, arbitrary: fc.record({ type: fc.constant("end" as const), containerId }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("forget" as const), containerId }) },
);

test.prop([fc.array(step, { minLength: 1, maxLength: 600, size: "max" })])(
  "exec-ends-are-remembered: the last hundred of each container, of others none",
  (steps) => {
    const execs = new EndedExecs();
    const expected = new Map<string, { id: string; exitCode: number }[]>();
    for (const [n, { type, containerId }] of steps.entries()) {
      if (type === "forget") {
        execs.forget(containerId);
        expected.delete(containerId);
        continue;
      }
      const [id, exitCode] = [`exec ${n}`, n % 256];
      const note = { containerId, memo: n, isEndKept: true };
      const kept = { id, kind: "exec", hostPid: n + 1, startedAtMs: n } as const;
      execs.add({ ...kept, note }, { exitCode });
      // What has no note is nobody's, and a check is nobody's business.
      execs.add({ ...kept, id: `nobody's ${n}` }, { exitCode });
      execs.add({ ...kept, id: `check ${n}`, note: { ...note, isEndKept: false } }, { exitCode });
      expected.set(
        containerId,
        [...(expected.get(containerId) ?? []), { id, exitCode }].slice(-100),
      );
    }
    for (const containerId of ["one", "two", "three"]) {
      const known = execs.all().filter(({ note }) => note?.containerId === containerId);
      expect(known.map(({ id }) => id)).toEqual(
        (expected.get(containerId) ?? []).map(({ id }) => id),
      );
      expect(known.map(({ ended }) => ended)).toEqual(
        (expected.get(containerId) ?? []).map(({ exitCode }) => ({ exitCode })),
      );
    }
    expect(execs.all()).toHaveLength([...expected.values()].flat().length);
  },
);
