/**
 * House: what the site knows of the sources, read from the tree at each build.
 *
 * Each source file of a concept opens with a header that names its page (`Docs:`) and what must
 * hold (`Invariants:`); each invariant is the title of a property test. So nobody lists anywhere
 * which files a page explains: this file asks the headers.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One source file. */
export interface Source {
  /** From the root of the house, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The first sentence of the header, `Title: one sentence.`; empty when there is none. */
  readonly summary: string;
  /** The page that the header names, `concepts/namespaces`; null when it names none. */
  readonly page: string | null;
  /** The invariants that the header promises. */
  readonly invariants: readonly string[];
}

/** Where a property test begins. */
export interface TestPlace {
  readonly path: string;
  readonly line: number;
}

/** The sources of a clone. */
export interface House {
  readonly directory: string;
  readonly sources: ReadonlyMap<string, Source>;
  /** Invariant to its property test. */
  readonly tests: ReadonlyMap<string, TestPlace>;
}

/** The folders whose sources the site shows. */
export const SOURCE_FOLDERS = ["runtime", "property-tests", "examples"] as const;

const LEFT_OUT = new Set(["node_modules", "dist", "build", "coverage"]);

/** Reads every source file of a clone. */
export function readHouse(directory: string): House {
  const paths = SOURCE_FOLDERS.flatMap((folder) => sourcePaths(directory, folder)).toSorted();
  const sources = new Map(
    paths.map((path) => [path, describeSource(path, readFileSync(join(directory, path), "utf8"))]),
  );
  return { directory, sources, tests: findTests(sources) };
}

function sourcePaths(directory: string, folder: string): readonly string[] {
  return readdirSync(join(directory, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return LEFT_OUT.has(entry.name) ? [] : sourcePaths(directory, path);
    return /\.(ts|mjs|js)$/.test(entry.name) ? [path] : [];
  });
}

/** What a header says. */
export function describeSource(path: string, text: string): Source {
  const comment = /^(?:#!.*\n)?\/\*\*\n([\s\S]*?)\n \*\/\n/.exec(text)?.[1] ?? "";
  const header = comment.replace(/^ \*(?: |$)/gm, "");
  const invariants = /^Invariants:\n((?: {2}.*\n?)+)/m.exec(header)?.[1] ?? "";
  return {
    path,
    text,
    summary: (header.split("\n\n", 1)[0] ?? "").replaceAll("\n", " "),
    page: /^Docs: docs\/(\S+)\.md$/m.exec(header)?.[1] ?? null,
    invariants: [...invariants.matchAll(/^ {2}([a-z0-9]+(?:-[a-z0-9]+)+) {2,}\S/gm)].map(
      ([, slug = ""]) => slug,
    ),
  };
}

function findTests(sources: ReadonlyMap<string, Source>): ReadonlyMap<string, TestPlace> {
  const tests = new Map<string, TestPlace>();
  const slugs = [...sources.values()].flatMap(({ invariants }) => invariants);
  for (const { path, text } of sources.values()) {
    if (!/^property-tests\/.*\.test\.ts$/.test(path)) continue;
    const titles = [...text.matchAll(/["`]([a-z0-9]+(?:-[a-z0-9]+)+)(?=[^a-z0-9-])/g)];
    for (const slug of slugs) {
      const title = titles.find(([, found]) => found === slug);
      if (title === undefined || tests.has(slug)) continue;
      tests.set(slug, { path, line: text.slice(0, title.index).split("\n").length });
    }
  }
  return tests;
}

/** The files whose header names a page, in the order of their paths; doors (`index.ts`) last. */
export function filesExplainedOn(house: House, page: string): readonly Source[] {
  return [...house.sources.values()].filter((source) => source.page === page);
}

/** The title of a page that a header names. @throws Error when there is no such page */
export function titleOf(house: House, page: string): string {
  const text = readFileSync(join(house.directory, "docs-site/docs", `${page}.md`), "utf8");
  return /^# (.+)$/m.exec(text)?.[1] ?? page;
}
