/**
 * Source page: one file with an address for each line, and what its header says about it.
 */
import Link from "@docusaurus/Link";
import useBrokenLinks from "@docusaurus/useBrokenLinks";
import { usePrismTheme } from "@docusaurus/theme-common";
import Layout from "@theme/Layout";
import { Highlight } from "prism-react-renderer";
import type { ReactNode } from "react";
import type { SourcePageContent } from "../../machinery/source-pages.ts";

export default function SourcePage({ content }: { content: SourcePageContent }): ReactNode {
  const { path, summary, text } = content;
  return (
    <Layout title={path} description={summary} wrapperClassName="source-page">
      <main className="container margin-vert--lg">
        <p className="source-path">
          <Link to="/source/">Source</Link> / {path.slice(0, path.lastIndexOf("/") + 1)}
        </p>
        <h1>{path.slice(path.lastIndexOf("/") + 1)}</h1>
        {summary !== "" && <p className="source-summary">{summary}</p>}
        <Facts content={content} />
        <Lines text={text.replace(/\n$/, "")} />
      </main>
    </Layout>
  );
}

/** The page that explains the file, and the tests of what it promises. */
function Facts({ content: { page, invariants } }: { content: SourcePageContent }): ReactNode {
  if (page === null && invariants.length === 0) return null;
  return (
    <ul>
      {page !== null && (
        <li>
          Explained on <Link to={page.url}>{page.title}</Link>
        </li>
      )}
      {invariants.map(({ slug, url }) => (
        <li key={slug}>
          Must hold: {url === null ? <code>{slug}</code> : <Link to={url}>{slug}</Link>}
        </li>
      ))}
    </ul>
  );
}

function Lines({ text }: { text: string }): ReactNode {
  const theme = usePrismTheme();
  const { collectAnchor } = useBrokenLinks();
  return (
    <Highlight code={text} language="ts" theme={theme}>
      {({ tokens, style, getTokenProps }) => (
        <pre className="source-lines" style={style} tabIndex={0}>
          <code>
            {tokens.map((line, index) => {
              const anchor = `L${index + 1}`;
              collectAnchor(anchor);
              return (
                <span key={anchor} id={anchor} className="source-line">
                  <a
                    href={`#${anchor}`}
                    className="source-number"
                    data-line={index + 1}
                    aria-label={`line ${index + 1}`}
                    tabIndex={-1}
                  />
                  {line.map((token, at) => (
                    <span key={at} {...getTokenProps({ token })} />
                  ))}
                  {"\n"}
                </span>
              );
            })}
          </code>
        </pre>
      )}
    </Highlight>
  );
}
