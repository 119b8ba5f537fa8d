/**
 * Search bar: the plugin's own, which must not take the focus from who has gone on.
 *
 * On the first focus it loads its index, and when that has come it focuses its input once more, also
 * when the reader has left it by Tab in the meantime and types elsewhere: the rest of the command
 * went into the search, and Enter left the page. A reader's Tab and pointer do not call `focus()` of
 * an element, the plugin does, so the input gets a `focus()` that asks first.
 */
import SearchBar from "@theme-original/SearchBar";
import { useEffect, useRef } from "react";
import type { ReactNode } from "react";

export default function PoliteSearchBar(props: Record<string, unknown>): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const input = place.current?.querySelector("input");
    if (input === null || input === undefined) return;
    input.focus = (options) => {
      if (mayTakeFocus(input)) HTMLElement.prototype.focus.call(input, options);
    };
  }, []);
  return (
    <div className="search-bar" ref={place}>
      <SearchBar {...props} />
    </div>
  );
}

/** Whether nobody has the focus, or a key is being handled: the plugin has one that asks for it. */
function mayTakeFocus(input: HTMLInputElement): boolean {
  const { activeElement } = document;
  const isFree = activeElement === null || activeElement === document.body;
  return isFree || activeElement === input || window.event instanceof KeyboardEvent;
}
