/**
 * Source pages: one page of the site for each source file, so that a line has an address.
 *
 * The site works without a network, on a laptop in a train; a link to a line on some forge would
 * not, and would point at another commit one day. So the sources are part of the site: with line
 * numbers, the page that explains them, the tests of what they promise, and their exports.
 *
 * @module
 */
import type { LoadContext, Plugin } from "@docusaurus/types";
import { join } from "node:path";
import { checkBuilt } from "./check-built.ts";
import { readHouse, titleOf } from "./house.ts";
import { sourceUrl } from "./source-url.ts";
import type { House, Source } from "./house.ts";
import { pageTransformer } from "./transform-page.ts";
import type { Places } from "./transform-page.ts";

/** What a source page shows; the theme's SourcePage takes it. */
export interface SourcePageContent {
  readonly path: string;
  readonly text: string;
  readonly summary: string;
  /** The page that explains it, if its header names one. */
  readonly page: { readonly url: string; readonly title: string } | null;
  readonly invariants: readonly { readonly slug: string; readonly url: string | null }[];
}

/** What the list of all files shows. */
export interface SourceIndexContent {
  readonly folders: readonly {
    readonly folder: string;
    readonly files: readonly { readonly path: string; readonly summary: string }[];
  }[];
}

/** The Docusaurus plugin: fills pages before they are compiled, adds source pages, checks. */
export function sourcePages(places: Places): (context: LoadContext) => Plugin {
  return ({ siteDir }) => ({
    name: "drydock-source-pages",
    getPathsToWatch: () => [join(places.house, "runtime/src/**/*.ts")],
    async contentLoaded({ actions: { addRoute, createData } }) {
      const house = readHouse(places.house);
      const component = join(siteDir, "src/components");
      const addPage = async (path: string, name: string, content: unknown): Promise<void> => {
        const data = await createData(`${path.replace(/\W/g, "-")}.json`, JSON.stringify(content));
        const modules = { content: data };
        addRoute({ path, component: join(component, `${name}.tsx`), modules, exact: true });
      };
      await addPage("/source/", "SourceIndex", indexOf(house));
      for (const source of house.sources.values()) {
        await addPage(sourceUrl(source.path), "SourcePage", contentOf(source, house));
      }
    },
    configureWebpack: () => ({
      module: {
        rules: [
          {
            test: /\.md$/,
            include: [places.docs],
            enforce: "pre",
            use: [
              {
                loader: join(siteDir, "machinery/page-loader.cjs"),
                options: { transformPage: pageTransformer(places) },
              },
            ],
          },
        ],
      },
    }),
    async postBuild({ outDir }) {
      const faults = checkBuilt(outDir, places.house);
      if (faults.length > 0) throw new Error(`what was built is stale:\n${faults.join("\n")}`);
    },
  });
}

function contentOf(source: Source, house: House): SourcePageContent {
  const { path, text, summary, page } = source;
  const invariants = source.invariants.map((slug) => {
    const test = house.tests.get(slug);
    return { slug, url: test === undefined ? null : sourceUrl(test.path, test.line) };
  });
  return {
    path,
    text,
    summary,
    page: page === null ? null : { url: `/${page}/`, title: titleOf(house, page) },
    invariants,
  };
}

function indexOf(house: House): SourceIndexContent {
  const folders = new Map<string, { path: string; summary: string }[]>();
  for (const { path, summary } of house.sources.values()) {
    const folder = path.slice(0, path.lastIndexOf("/"));
    const files = folders.get(folder) ?? [];
    files.push({ path, summary });
    folders.set(folder, files);
  }
  return {
    folders: [...folders]
      .map(([folder, files]) => ({ folder, files }))
      .toSorted((a, b) => (a.folder < b.folder ? -1 : 1)),
  };
}
