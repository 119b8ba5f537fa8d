/**
 * Code block: the theme's own, and around it what a block of ours says about itself.
 *
 * An embed gets a caption with its file and lines, linked to the source, and a link to its page of
 * the reference. `data-embed` names the lines; machinery/check-built.ts compares them with the file.
 * A block marked `output` is what the command above it prints; one marked `by-hand` says so.
 */
import Link from "@docusaurus/Link";
import type { Props } from "@theme/CodeBlock";
import CodeBlock from "@theme-original/CodeBlock";
import type { ReactNode } from "react";
import { decodeInfo } from "../../../machinery/embed-info.ts";
import type { EmbedInfo } from "../../../machinery/embed-info.ts";

export default function MarkedCodeBlock(props: Props): ReactNode {
  const info = decodeInfo(props.metastring);
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
