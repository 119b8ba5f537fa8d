/**
 * Picture pane: one picture at a time, chosen by tabs, as a drawing or as a table.
 *
 * A tab whose picture has changed says so, so that nobody misses what happens out of sight.
 */
import { useId, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import type { Machine } from "../use-machine.ts";
import { PICTURES } from "../pictures/index.ts";
import type { PictureName } from "../pictures/index.ts";
import { TableButton } from "./TableButton.tsx";

const NAMES = Object.keys(PICTURES) as readonly PictureName[]; // its own keys

interface PicturePaneProps {
  readonly machine: Machine;
  readonly first: PictureName;
  /** Two panes may show one picture; a number tells them apart. */
  readonly number: number;
}

export function PicturePane({ machine, first, number }: PicturePaneProps): ReactNode {
  const id = useId();
  const [chosen, setChosen] = useState(first);
  const [asTable, setAsTable] = useState(false);
  const { now, before } = machine;
  const { label, Picture } = PICTURES[chosen];

  const press = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = NAMES.at((NAMES.indexOf(chosen) + step) % NAMES.length) ?? chosen;
    setChosen(next);
    document.getElementById(`${id}-${next}`)?.focus();
  };
  return (
    <section className="pg-pane" aria-label={`Picture ${number}: ${label}`}>
      <div className="pg-pane-head">
        <div role="tablist" aria-label={`Pictures ${number}`} className="pg-tabs" onKeyDown={press}>
          {NAMES.map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`${id}-${name}`}
              aria-selected={name === chosen}
              aria-controls={`${id}-panel`}
              tabIndex={name === chosen ? 0 : -1}
              onClick={() => setChosen(name)}
            >
              {PICTURES[name].label}
              {PICTURES[name].hasChanged(now, before) && <ChangedDot />}
            </button>
          ))}
        </div>
        <TableButton asTable={asTable} onPress={setAsTable} />
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${chosen}`}
        className={asTable ? "pg-panel pg-panel-table" : "pg-panel"}
        tabIndex={0}
      >
        <Picture now={now} before={before} asTable={asTable} />
      </div>
    </section>
  );
}

function ChangedDot(): ReactNode {
  return (
    <span className="pg-dot">
      <span className="pg-unseen"> (changed)</span>
    </span>
  );
}
