/**
 * Timeline: every call that changed the machine, to step through forwards and backwards.
 *
 * The buttons and the slider move by one; so do the arrow keys in the list. The pictures above show
 * the machine as it was after the call that is marked.
 */
import Link from "@docusaurus/Link";
import { useEffect, useId, useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import type { PlaygroundCall } from "../../../../runtime/src/playground/index.ts";
import { sourceUrl } from "../../../machinery/source-url.ts";
import type { Places } from "../places.ts";
import type { Machine } from "../use-machine.ts";
import { TableButton } from "./TableButton.tsx";
import { callLine, callText, resultText } from "../views/calls.ts";

/** How many calls are listed around the one that is looked at. */
const LISTED = 80;

interface TimelineProps {
  readonly machine: Machine;
  readonly loadPlaces: () => Promise<Places>;
}

export function Timeline({ machine, loadPlaces }: TimelineProps): ReactNode {
  const { calls, at, goTo } = machine;
  const [asTable, setAsTable] = useState(false);
  const last = calls.length - 1;
  const shown = at ?? last;
  const call = calls[shown];
  return (
    <section className="pg-timeline" aria-label="Timeline of kernel calls">
      <div className="pg-pane-head">
        <p className="pg-title">What the kernel was asked</p>
        <Steps shown={shown} last={last} isLive={at === undefined} goTo={goTo} />
        <TableButton asTable={asTable} onPress={setAsTable} />
      </div>
      {call === undefined ? (
        <p className="pg-empty">Nothing yet. Type a command.</p>
      ) : (
        <div className="pg-timeline-body">
          {asTable ? (
            <CallTable calls={calls} shown={shown} />
          ) : (
            <CallList calls={calls} shown={shown} goTo={goTo} />
          )}
          <OneCall call={call} loadPlaces={loadPlaces} />
        </div>
      )}
    </section>
  );
}

interface StepsProps {
  readonly shown: number;
  readonly last: number;
  readonly isLive: boolean;
  readonly goTo: (at: number | undefined) => void;
}

function Steps({ shown, last, isLive, goTo }: StepsProps): ReactNode {
  const isEmpty = last < 0;
  const button = (name: string, path: string, to: number, off: boolean): ReactNode => (
    <button type="button" className="pg-button" disabled={off} onClick={() => goTo(to)}>
      <svg viewBox="0 0 16 16" aria-hidden="true" className="pg-icon">
        <path d={path} />
      </svg>
      <span className="pg-unseen">{name}</span>
    </button>
  );
  return (
    <div className="pg-steps" role="group" aria-label="Step through the calls">
      {button("First call", "M3 3h2v10H3zM14 3v10L6 8z", 0, isEmpty || shown === 0)}
      {button("One call back", "M12 2v12L3 8z", shown - 1, isEmpty || shown === 0)}
      <input
        type="range"
        aria-label="Call"
        min={0}
        max={Math.max(0, last)}
        value={Math.max(0, shown)}
        disabled={isEmpty}
        aria-valuetext={`call ${shown + 1} of ${last + 1}`}
        onChange={({ target }) => goTo(Number(target.value))}
      />
      {button("One call on", "M4 2v12l9-6z", shown + 1, isEmpty || shown >= last)}
      <button
        type="button"
        className="pg-button"
        aria-pressed={isLive}
        onClick={() => goTo(isLive ? Math.max(0, last) : undefined)}
      >
        Live
      </button>
      <span className="pg-count" role="status">
        {isEmpty ? "no calls" : `${shown + 1} of ${last + 1}${isLive ? ", live" : ""}`}
      </span>
    </div>
  );
}

interface ListProps {
  readonly calls: readonly PlaygroundCall[];
  readonly shown: number;
}

function around({ calls, shown }: ListProps): readonly (readonly [PlaygroundCall, number])[] {
  const first = Math.max(0, Math.min(shown - LISTED / 2, calls.length - LISTED));
  return calls.slice(first, first + LISTED).map((call, at) => [call, first + at]);
}

function CallList(props: ListProps & Pick<Machine, "goTo">): ReactNode {
  const { calls, shown, goTo } = props;
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const chosen = list.current?.querySelector<HTMLElement>("[aria-selected=true]");
    if (chosen === null || chosen === undefined || list.current === null) return;
    // Not scrollIntoView: that would scroll the page too, away from the terminal.
    const middle = chosen.offsetTop - list.current.clientHeight / 2 + chosen.clientHeight / 2;
    list.current.scrollTop = middle;
  }, [shown]);
  const press = (event: KeyboardEvent): void => {
    const to: Readonly<Record<string, number>> = {
      ArrowUp: shown - 1,
      ArrowDown: shown + 1,
      PageUp: shown - 10,
      PageDown: shown + 10,
      Home: 0,
      End: calls.length - 1,
    };
    const wish = to[event.key];
    if (wish === undefined) return;
    event.preventDefault();
    goTo(Math.max(0, Math.min(calls.length - 1, wish)));
  };
  return (
    <ul
      className="pg-calls"
      role="listbox"
      aria-label="Calls"
      aria-activedescendant={`${id}-${shown}`}
      tabIndex={0}
      ref={list}
      onKeyDown={press}
    >
      {around(props).map(([call, at]) => (
        <li
          key={at}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === shown}
          className={call.errno === undefined ? "pg-call" : "pg-call pg-call-failed"}
          onClick={() => goTo(at)}
        >
          <span className="pg-call-number">{at + 1}</span>
          <span className="pg-call-who">{call.where}</span>
          <code>{callLine(call)}</code>
          <span className="pg-call-result">{resultText(call)}</span>
        </li>
      ))}
    </ul>
  );
}

function CallTable(props: ListProps): ReactNode {
  return (
    <div className="pg-calls pg-panel-table" tabIndex={0} role="group" aria-label="Table of calls">
      <table>
        <caption>The calls around the one that is looked at</caption>
        <thead>
          <tr>
            <th scope="col">number</th>
            <th scope="col">made by</th>
            <th scope="col">call</th>
            <th scope="col">result</th>
            <th scope="col">for</th>
          </tr>
        </thead>
        <tbody>
          {around(props).map(([call, at]) => (
            <tr key={at} aria-current={at === props.shown ? "step" : undefined}>
              <th scope="row">{at + 1}</th>
              <td>{call.where}</td>
              <td>
                <code>{callLine(call)}</code>
              </td>
              <td>{resultText(call)}</td>
              <td>{purposeOf(call)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Who makes calls, in words. */
const MAKERS: Readonly<Record<PlaygroundCall["where"], string>> = {
  engine: "the engine",
  keeper: "the keeper",
  init: "the process that becomes a container",
  exec: "the process that joins a container",
  program: "a command of the machine",
  child: "the process that it starts",
};

function makerOf({ where, hostPid }: PlaygroundCall): string {
  return hostPid === undefined ? MAKERS[where] : `${MAKERS[where]} (${hostPid})`;
}

function purposeOf({ concept, operation }: PlaygroundCall): string {
  return [concept, operation].filter((part) => part !== undefined).join(": ");
}

/** What is known of the origin of calls; undefined until it has come. */
function usePlaces(loadPlaces: TimelineProps["loadPlaces"]): Places | undefined {
  const [places, setPlaces] = useState<Places>();
  useEffect(() => {
    let isHere = true;
    // Without the map the call is shown without its line: the rest needs no network.
    loadPlaces().then(
      (loaded) => isHere && setPlaces(loaded),
      () => undefined,
    );
    return () => {
      isHere = false;
    };
  }, [loadPlaces]);
  return places;
}

/** The call in full, what it does, who made it, and where that is explained. */
function OneCall({
  call,
  loadPlaces,
}: {
  readonly call: PlaygroundCall;
  readonly loadPlaces: TimelineProps["loadPlaces"];
}): ReactNode {
  const places = usePlaces(loadPlaces);
  const line = places?.line(call.source);
  const page = line === undefined ? undefined : places?.page(line.path);
  const about = places?.call(call.call);
  return (
    <dl className="pg-one-call">
      <dt>Call</dt>
      <dd>
        <code>{callText(call)}</code>
      </dd>
      <dt>Result</dt>
      <dd className={call.errno === undefined ? "" : "pg-failed"}>{resultText(call)}</dd>
      {about !== undefined && (
        <>
          <dt>It does</dt>
          <dd>
            {about.what} (<Link to="/reference/kernel-calls/">{about.manPage}</Link>)
          </dd>
        </>
      )}
      <dt>Made by</dt>
      <dd>
        {makerOf(call)}
        {purposeOf(call) !== "" && `, for ${purposeOf(call)}`}
      </dd>
      {line !== undefined && (
        <>
          <dt>In line</dt>
          <dd>
            <Link to={sourceUrl(line.path, line.line)}>
              {line.path}:{line.line}
            </Link>
          </dd>
        </>
      )}
      {page !== undefined && (
        <>
          <dt>Explained on</dt>
          <dd>
            <Link to={page.url}>{page.title}</Link>
          </dd>
        </>
      )}
    </dl>
  );
}
