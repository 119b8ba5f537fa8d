/**
 * Source index: every source file with the first sentence of its header.
 */
import Link from "@docusaurus/Link";
import Heading from "@theme/Heading";
import Layout from "@theme/Layout";
import type { ReactNode } from "react";
import type { SourceIndexContent } from "../../machinery/source-pages.ts";

export default function SourceIndex({ content }: { content: SourceIndexContent }): ReactNode {
  return (
    <Layout title="Source" description="Every source file, with what it is about">
      <main className="container margin-vert--lg">
        <h1>The source</h1>
        <p>
          Every file of the runtime opens with a header: what it is about, which calls of the kernel
          it makes, what must hold, and what it leaves out. Here is the first sentence of each.
        </p>
        {content.folders.map(({ folder, files }) => (
          <section key={folder}>
            <Heading as="h2" id={folder.replaceAll("/", "-")}>
              {folder}
            </Heading>
            <ul>
              {files.map(({ path, summary }) => (
                <li key={path}>
                  <Link to={`/source/${path}/`}>{path.slice(folder.length + 1)}</Link>
                  {summary !== "" && `: ${summary}`}
                </li>
              ))}
            </ul>
          </section>
        ))}
      </main>
    </Layout>
  );
}
