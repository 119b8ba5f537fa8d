/**
 * An engine for the API's tests: it remembers what it was asked and answers what a test tells it
 * to.
 *
 * @module
 */

import type { Engine, ProcessLine } from "../engine/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { createApi, type Api } from "./index.ts";

/** A call that the double received. */
export interface Asked {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A double with its record. */
export interface EngineDouble {
  readonly engine: Engine;
  readonly asked: Asked[];
  readonly bugs: unknown[];
  readonly api: Api;
}

/** Makes a double; what `answers` lacks throws a 404, as an empty engine would. */
export function engineDouble(answers: Partial<Engine> = {}): EngineDouble {
  const asked: Asked[] = [];
  const bugs: unknown[] = [];
  const known: Partial<Engine> = {
    version: () => ({ Version: "1.2.3" }),
    info: () => ({}),
    ...answers,
  };
  const engine = new Proxy(known, {
    get(target, method) {
      const answer = Reflect.get(target, method) as ((...args: unknown[]) => unknown) | undefined;
      return (...args: unknown[]) => {
        asked.push({ method: String(method), args });
        if (answer !== undefined) return answer(...args);
        throw new RuntimeError({
          code: "container-not-found",
          class: "not-found",
          message: `No such container: ${String(args[0])}`,
          hint: "See drydock ps -a.",
        });
      };
    },
  }) as Engine; // the proxy has every method
  const api = createApi({
    engine,
    mapSource: (place) => `mapped ${place}`,
    onBug: (b) => bugs.push(b),
  });
  return { engine, asked, bugs, api };
}

/** A request to the API, as a client without hijacking sends it. */
export function ask(api: Api, method: string, path: string, body?: unknown): Promise<Response> {
  const init =
    body === undefined
      ? { method }
      : {
          method,
          headers: { "Content-Type": "application/json" },
          body: typeof body === "string" ? body : JSON.stringify(body),
        };
  return api(new Request(`http://drydock${path}`, init), {});
}

/** An attached process whose output a test writes and whose input it reads. */
export interface AttachedDouble {
  readonly attached: ProcessLine;
  readonly written: Uint8Array[];
  readonly events: string[];
  say(text: string): void;
  end(): void;
}

/** Makes one. */
export function attachedDouble(raw: boolean): AttachedDouble {
  const written: Uint8Array[] = [];
  const events: string[] = [];
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const output = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void events.push("cancelled"),
  });
  return {
    attached: {
      raw,
      output,
      write: (bytes) => Promise.resolve(void written.push(bytes.slice())),
      endInput: () => void events.push("end of input"),
      detach: () => void events.push("detached"),
      detachByKeys: () => void events.push("detached"),
    },
    written,
    events,
    say: (text) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
  };
}
