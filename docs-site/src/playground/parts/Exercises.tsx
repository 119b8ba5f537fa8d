/**
 * Exercises: the tasks of a page, each with a tick as soon as the machine shows that it is done.
 */
import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import type { Exercise } from "../exercises.ts";
import type { Machine } from "../use-machine.ts";

interface ExercisesProps {
  readonly machine: Machine;
  readonly exercises: readonly Exercise[];
}

export function Exercises({ machine, exercises }: ExercisesProps): ReactNode {
  const [done, setDone] = useState<readonly string[]>([]);
  const { live, calls } = machine;
  useEffect(() => {
    setDone((known) => {
      const more = exercises.filter(
        ({ id, isDone }) => !known.includes(id) && isDone({ snapshot: live, calls }),
      );
      return more.length === 0 ? known : [...known, ...more.map(({ id }) => id)];
    });
  }, [live, calls, exercises]);
  if (exercises.length === 0) return null;
  return (
    <section className="pg-exercises" aria-label="Exercises that check themselves">
      <p className="pg-title">Your turn</p>
      <ul>
        {exercises.map(({ id, text }) => {
          const isDone = done.includes(id);
          return (
            <li key={id} className={isDone ? "pg-exercise pg-exercise-done" : "pg-exercise"}>
              <span className="pg-tick" aria-hidden="true">
                {isDone ? "✓" : ""}
              </span>
              <span>{text}</span>
              <span className="pg-unseen">{isDone ? " (done)" : " (not done yet)"}</span>
            </li>
          );
        })}
      </ul>
      <p className="pg-quiet" role="status">
        {done.length} of {exercises.length} done
      </p>
    </section>
  );
}
