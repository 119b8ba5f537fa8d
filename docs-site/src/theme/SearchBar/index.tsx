/**
 * Search bar: the plugin's own, which must not take the focus from who has gone on.
 *
 * On the first focus it loads its index, and when that has come it focuses its input once more, also
 * when the reader has left it by Tab in the meantime and types elsewhere. A focus that no key and no
 * pointer asked for goes back to where it was taken.
 */
import SearchBar from "@theme-original/SearchBar";
import { useEffect, useRef } from "react";
import type { FocusEvent, ReactNode } from "react";

/** A key moves the focus while it is handled, so what a reader asked for comes at once. */
const ASKED_MS = 100;

export default function PoliteSearchBar(props: Record<string, unknown>): ReactNode {
  const askedAt = useRef(0);
  const visit = useRef<"first" | "left" | "over">("first");
  useEffect(() => {
    const note = (event: Event): void => {
      const isTyping = event instanceof KeyboardEvent && event.key.length === 1 && !event.ctrlKey;
      if (!isTyping || event.metaKey) askedAt.current = performance.now();
    };
    document.addEventListener("keydown", note, true);
    document.addEventListener("pointerdown", note, true);
    return () => {
      document.removeEventListener("keydown", note, true);
      document.removeEventListener("pointerdown", note, true);
    };
  }, []);
  const leave = (): void => {
    if (visit.current === "first") visit.current = "left";
  };
  const giveBack = ({ relatedTarget }: FocusEvent): void => {
    if (visit.current !== "left") return;
    // The index comes once; every later focus is none of our business.
    visit.current = "over";
    const wasAsked = performance.now() - askedAt.current < ASKED_MS;
    if (!wasAsked && relatedTarget instanceof HTMLElement) relatedTarget.focus();
  };
  return (
    <div className="search-bar" onFocus={giveBack} onBlur={leave}>
      <SearchBar {...props} />
    </div>
  );
}
