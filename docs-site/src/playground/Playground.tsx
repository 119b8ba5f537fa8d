/**
 * Playground: the place of a playground in a page, which is filled when the reader comes near.
 *
 * Until then, and where there is no script, it shows the commands, which can be typed on any
 * machine with Drydock.
 */
import BrowserOnly from "@docusaurus/BrowserOnly";
import { useLocation } from "@docusaurus/router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { readSetup } from "./setup.ts";

const Workbench = lazy(async () => ({ default: (await import("./Workbench.tsx")).Workbench }));

/** How far below the window a playground begins to load. */
const NEAR = "300px";

interface PlaygroundProps {
  /** The words after `playground` in the page. */
  readonly words: string | undefined;
  /** The text of the block: the commands that the page offers, one a line. */
  readonly commands: ReactNode;
}

export function Playground({ words, commands }: PlaygroundProps): ReactNode {
  const { pathname } = useLocation();
  const place = useRef<HTMLElement>(null);
  const [isNear, setIsNear] = useState(false);
  const setup = readSetup(words ?? "", typeof commands === "string" ? commands : "", pathname);

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const watcher = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setIsNear(true);
      },
      { rootMargin: NEAR },
    );
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);

  const waiting = (
    <div className="pg-waiting">
      <p>A machine will run here, in the page. These are the commands to try in it:</p>
      <pre tabIndex={0}>{commands}</pre>
    </div>
  );
  return (
    <section className="pg-place" aria-label="Playground" ref={place}>
      {isNear ? (
        <BrowserOnly fallback={waiting}>
          {() => (
            <Suspense fallback={waiting}>
              <Workbench setup={setup} />
            </Suspense>
          )}
        </BrowserOnly>
      ) : (
        waiting
      )}
    </section>
  );
}
