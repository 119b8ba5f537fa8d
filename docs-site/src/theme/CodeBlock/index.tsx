/**
 * Code block: the theme's own, and around it what a block of ours says about itself.
 *
 * An embed gets a caption with its file and lines, linked to the source, and a link to its page of
 * the reference. `data-embed` names the lines; machinery/check-built.ts compares them with the file.
 * A block marked `output` is what the command above it prints; one marked `by-hand` says so. A
 * drawing has its caption in words, and a block of the language `playground` is a machine.
 */
import Link from "@docusaurus/Link";
import type { Props } from "@theme/CodeBlock";
import CodeBlock from "@theme-original/CodeBlock";
import { useId } from "react";
import type { ReactNode } from "react";
import { wordsOf } from "../../../machinery/drawings.ts";
import { decodeInfo } from "../../../machinery/embed-info.ts";
import type { EmbedInfo } from "../../../machinery/embed-info.ts";
import { Playground } from "../../playground/Playground.tsx";

export default function MarkedCodeBlock(props: Props): ReactNode {
  const info = decodeInfo(props.metastring);
  if (/(^|\s)language-playground(\s|$)/.test(props.className ?? "")) {
    return <Playground words={props.metastring} commands={props.children} />;
  }
  const words = wordsOf(props.metastring);
  if (words !== null) return <Drawing words={words}>{props.children}</Drawing>;
  if (info !== null) return <Embed info={info}>{<CodeBlock {...props} />}</Embed>;
  if (/(^|\s)output(\s|$)/.test(props.metastring ?? "")) {
    return (
      <div className="printed">
        <CodeBlock {...props} />
      </div>
    );
  }
  if (/(^|\s)by-hand(\s|$)/.test(props.metastring ?? "")) {
    return (
      <figure className="embed">
        <figcaption className="embed-origin">For you to type: no test runs this.</figcaption>
        <CodeBlock {...props} />
      </figure>
    );
  }
  return <CodeBlock {...props} />;
}

/** Something drawn with characters: a picture to who hears the page, named by its caption. */
function Drawing({ words, children }: { words: string; children: ReactNode }): ReactNode {
  const id = useId();
  return (
    <figure className="drawing">
      <pre role="img" aria-labelledby={id} tabIndex={0}>
        {children}
      </pre>
      <figcaption id={id}>
        <span className="drawing-label">In words:</span> {words}
      </figcaption>
    </figure>
  );
}

function Embed({ info, children }: { info: EmbedInfo; children: ReactNode }): ReactNode {
  const { path, first, last, caption, reference } = info;
  return (
    <figure className="embed" data-embed={`${path}#L${first}-L${last}`}>
      <figcaption>
        {caption !== "" && <span className="embed-caption">{caption}</span>}
        <span className="embed-origin">
          <Link to={`/source/${path}/#L${first}`}>
            {path}, lines {first} to {last}
          </Link>
          {reference !== null && (
            <>
              {" · "}
              <Link to={reference}>reference of {info.name}</Link>
            </>
          )}
        </span>
      </figcaption>
      {children}
    </figure>
  );
}
