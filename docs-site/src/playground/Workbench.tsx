/**
 * Workbench: the playground itself: terminal, pictures, timeline and exercises around one machine.
 *
 * It is a chunk of its own, and the machine a file of its own, so only who opens a playground loads
 * them. The machine is bundled apart from the site's own script: its source map then leads from
 * each kernel call to the line that made it.
 */
import useBaseUrl from "@docusaurus/useBaseUrl";
import { useEffect, useMemo, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { Playground } from "../../../runtime/src/playground/index.ts";
import { EXERCISES } from "./exercises.ts";
import type { openMachine } from "./machine.ts";
import { Exercises } from "./parts/Exercises.tsx";
import { PicturePane } from "./parts/PicturePane.tsx";
import { Terminal } from "./parts/Terminal.tsx";
import type { Type } from "./parts/Terminal.tsx";
import { Timeline } from "./parts/Timeline.tsx";
import { createPlaces } from "./places.ts";
import type { PlaceFinder } from "./places.ts";
import "./playground.css";
import type { PlaygroundSetup } from "./setup.ts";
import { useMachine } from "./use-machine.ts";

/** What the file of the machine exports. */
interface MachineFile {
  readonly openMachine: typeof openMachine;
}

/** Opens a machine and shows it; a new one for each count of `round`. */
export function Workbench({ setup }: { readonly setup: PlaygroundSetup }): ReactNode {
  const folder = useBaseUrl("/playground-machine/");
  const [round, setRound] = useState(0);
  const [playground, setPlayground] = useState<Playground>();
  const places = useMemo(() => createPlaces(folder), [folder]);
  const [failure, setFailure] = useState<string>();

  useEffect(() => {
    let isHere = true;
    let opened: Playground | undefined;
    setPlayground(undefined);
    loadMachine(folder, places).then(
      (machine) => {
        opened = machine;
        if (isHere) setPlayground(machine);
        else void machine.close();
      },
      (error: unknown) => setFailure(String(error)),
    );
    return () => {
      isHere = false;
      void opened?.close();
    };
  }, [folder, places, round]);

  if (failure !== undefined) {
    return <p role="alert">The machine of this playground could not be started: {failure}</p>;
  }
  if (playground === undefined) return <p className="pg-loading">The machine is starting …</p>;
  return (
    <Desk
      key={round}
      playground={playground}
      setup={setup}
      places={places}
      onRestart={() => setRound(round + 1)}
    />
  );
}

async function loadMachine(folder: string, places: PlaceFinder): Promise<Playground> {
  const url = new URL(`${folder}machine.js`, location.href).href;
  // The bundler must leave this import alone: the file is none of its own.
  const file = (await import(/* webpackIgnore: true */ url)) as MachineFile;
  return file.openMachine({ mapSource: places.mapSource });
}

interface DeskProps {
  readonly playground: Playground;
  readonly setup: PlaygroundSetup;
  readonly places: PlaceFinder;
  readonly onRestart: () => void;
}

function Desk({ playground, setup, places, onRestart }: DeskProps): ReactNode {
  const machine = useMachine(playground);
  const typing = useRef<Type>(undefined);
  const { commands, pictures, page } = setup;
  useEffect(() => void performance.mark("playground-ready"), []);
  const exercises = useMemo(
    () => EXERCISES.filter((exercise) => page === undefined || exercise.page === page),
    [page],
  );
  return (
    <div className="pg" data-ready="true">
      <div className="pg-desk">
        <div className="pg-left">
          <Commands commands={commands} type={(text) => typing.current?.(text)} />
          <Terminal playground={playground} typing={typing} onEnter={machine.markNow} />
        </div>
        <div className="pg-right">
          {pictures.map((name, at) => (
            <PicturePane key={at} machine={machine} first={name} number={at + 1} />
          ))}
        </div>
      </div>
      <Timeline machine={machine} loadPlaces={places.load} />
      <Exercises machine={machine} exercises={exercises} />
      <p className="pg-foot">
        <span>
          This is Drydock itself, on a model of Linux in your browser&apos;s memory. Nothing leaves
          this page.
        </span>
        <button type="button" className="pg-button" onClick={onRestart}>
          Start again
        </button>
      </p>
    </div>
  );
}

interface CommandsProps {
  readonly commands: readonly string[];
  readonly type: Type;
}

/** Commands to try; a press types them. */
function Commands({ commands, type }: CommandsProps): ReactNode {
  if (commands.length === 0) return null;
  return (
    <div className="pg-commands">
      <p className="pg-title">Try these</p>
      <ol>
        {commands.map((command) => (
          <li key={command}>
            <button type="button" className="pg-command" onClick={() => type(`${command}\r`)}>
              <span aria-hidden="true">▶</span> <span className="pg-unseen">Run </span>
              <code>{command}</code>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}
