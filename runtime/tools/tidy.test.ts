/**
 * Tidy: the rules of this house that no linter knows, checked by reading the tree.
 *
 * A rule that no program checks is only advice. Each test lists every offence at once, as
 * `path: what is wrong`, and prints nothing when the house is in order.
 */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  filesOfHouse,
  headerOf,
  house,
  invariantsOf,
  parse,
  productFiles,
  testTitles,
  textOf,
  undocumentedExports,
} from "./house.fixture.ts";

/**
 * Rooms whose files translate for a person or a machine; they teach no kernel interface of their
 * own.
 */
const clientRooms = /^runtime\/src\/(api|cli|daemon|keeper|playground)\//;
const files = filesOfHouse();
const product = productFiles();
const taught = product.filter((path) => basename(path) !== "index.ts");
const propertyTests = files.filter((path) => /^property-tests\/.*\.test\.ts$/.test(path));

function headerFaults(path: string): readonly string[] {
  const header = headerOf(textOf(path));
  if (header === null) return [`${path}: does not open with a header comment`];
  const rules: readonly (readonly [RegExp, string])[] = [
    [/^[^\n:]+: [\s\S]*?\.\n\n/, "first line must be `Title: one sentence.`, then an empty line"],
    [/\n@module$/, "last line must be @module"],
    [/^Docs: docs\/concepts\/[a-z-]+\.md$/m, "no line `Docs: docs/concepts/….md`"],
    [/^Kernel interface: \S/m, "no line `Kernel interface: …`"],
    [/^Invariants:(\n {2}\S| (none|see) ?.*)/m, "no `Invariants:` (a list, `none` or `see …`)"],
    [/^Left out: \S/m, "no line `Left out: …`"],
  ];
  const needed = clientRooms.test(path) ? rules.slice(0, 1) : rules;
  return needed.filter(([form]) => !form.test(header)).map(([, fault]) => `${path}: ${fault}`);
}

describe("file headers", () => {
  test("every source file opens with the header of its room", () => {
    expect(taught.length, "the check is blind").toBeGreaterThan(40);
    expect(taught.flatMap(headerFaults)).toEqual([]);
  });

  test("the docs page that a header names exists", () => {
    const pages = product.map(
      (path) => /^Docs: (docs\/\S+)$/m.exec(headerOf(textOf(path)) ?? "")?.[1],
    );
    const missing = pages.filter((page) => page && !existsSync(join(house, "docs-site", page)));
    expect([...new Set(missing)]).toEqual([]);
  });

  test("every export is explained", () => {
    const doors = new Set(product.filter((path) => basename(path) === "index.ts"));
    const faults = product
      .filter((path) => !doors.has(path))
      .flatMap((path) => undocumentedExports(path).map((name) => `${path}: ${name}`));
    expect(faults).toEqual([]);
  });
});

describe("invariants", () => {
  const promised = new Map<string, string>();
  const twice: string[] = [];
  for (const path of product) {
    for (const slug of invariantsOf(headerOf(textOf(path)) ?? "").keys()) {
      if (promised.has(slug)) twice.push(`${path}: ${slug} is promised by ${promised.get(slug)}`);
      promised.set(slug, path);
    }
  }
  const titles = propertyTests.flatMap((path) =>
    testTitles(path).map((title) => ({ path, title })),
  );
  const startsWith = (title: string, slug: string): boolean =>
    title === slug || (title.startsWith(slug) && /[^a-z0-9-]/.test(title[slug.length] ?? ""));

  test("each is promised once", () => {
    expect(promised.size, "the check is blind").toBeGreaterThan(10);
    expect(twice).toEqual([]);
  });

  test("each promised one has a property test", () => {
    const faults = [...promised]
      .filter(([slug]) => !titles.some(({ title }) => startsWith(title, slug)))
      .map(([slug, path]) => `${path}: ${slug} has no test in property-tests/`);
    expect(faults).toEqual([]);
  });

  test("each property test is promised by a header", () => {
    const faults = titles
      .filter(({ title }) => ![...promised.keys()].some((slug) => startsWith(title, slug)))
      .map(({ path, title }) => `${path}: no header promises "${title}"`);
    expect(faults).toEqual([]);
  });
});

describe("error codes", () => {
  const errors = product.filter((path) => path.startsWith("runtime/src/errors/"));
  const others = product.filter((path) => !path.startsWith("runtime/src/errors/"));
  const union = /export type ErrorCode =\n((?:\s+\| "[a-z-]+"(?:.*\n|;))+)/.exec(
    errors.map(textOf).join("\n"),
  );
  const codes = [...(union?.[1] ?? "").matchAll(/"([a-z-]+)"/g)].map(([, code = ""]) => code);

  test("each is thrown somewhere", () => {
    expect(codes.length, "the check is blind").toBeGreaterThan(10);
    const thrown = new Set(
      others.flatMap((path) =>
        [...textOf(path).matchAll(/"([a-z]+(?:-[a-z]+)+)"/g)].map(([, code]) => code),
      ),
    );
    expect(codes.filter((code) => !thrown.has(code))).toEqual([]);
  });

  test("each that a @throws names exists", () => {
    const faults = others.flatMap((path) =>
      [...textOf(path).matchAll(/@throws \{?RuntimeError\}? `?([a-z]+(?:-[a-z]+)+)/g)]
        .filter(([, code = ""]) => !codes.includes(code))
        .map(([, code]) => `${path}: no error code ${code}`),
    );
    expect(faults).toEqual([]);
  });
});

describe("words and paths", () => {
  const prose = files.filter((path) => /\.(ts|mjs|js|md|json|ya?ml|sh)$|^\.ci\//.test(path));
  const text = prose.filter((path) => !path.endsWith("package-lock.json"));

  /** `path:line` of each line that matches. */
  const linesWith = (paths: readonly string[], form: RegExp): readonly string[] =>
    paths.flatMap((path) =>
      textOf(path)
        .split("\n")
        .flatMap((line, index) =>
          form.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
        ),
    );

  test("no file names a path of the machine it was written on", () => {
    const roots = ["work/", "tmp/dd", "home/node/", "Users/"].map((root) => `/${root}`);
    expect(linesWith(text, new RegExp(`(^|[\\s"'\`(=:])(${roots.join("|")})`))).toEqual([]);
  });

  test("no task is left in a comment", () => {
    const marks = ["todo", "fixme", "xxx", "hack"].map((mark) => mark.toUpperCase()).join("|");
    expect(linesWith(text, new RegExp(`\\b(${marks})\\b`))).toEqual([]);
  });

  test("no file is named after nothing", () => {
    const vague = /(^|[/-])(utils?|helpers?|common|manager|misc|linux)(\.[a-z.]+$|$)/;
    expect(product.filter((path) => vague.test(path))).toEqual([]);
    expect(product.filter((path) => !/^[a-z0-9./-]+$/.test(path))).toEqual([]);
  });

  test("no comment is longer than 100 columns", () => {
    // Prettier wraps code; a string is as long as it is.
    const code = files.filter((path) => /^(runtime|property-tests)\/.*\.(ts|mjs|js)$/.test(path));
    expect(linesWith(code, /^(?=\s*(\/\/|\/?\*))(?!.*https?:\/\/).{101,}$/u)).toEqual([]);
  });

  test("no test is switched off or alone", () => {
    const tests = files.filter((path) => path.endsWith(".test.ts"));
    const marks = ["only", "todo", "skip"].join("|");
    expect(linesWith(tests, new RegExp(`\\b(test|it|describe)\\.(${marks})\\(`))).toEqual([]);
  });

  test("no function is exported for a default", () => {
    const faults = product.filter((path) =>
      parse(path).statements.some((statement) => statement.getText().startsWith("export default")),
    );
    expect(faults).toEqual([]);
  });
});

describe("documents", () => {
  const pages = files.filter((path) => path.endsWith(".md"));

  test("npm scripts that they name exist", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> };
    const faults = pages.flatMap((path) =>
      [...textOf(path).matchAll(/npm run ([a-z][a-z:-]*)/g)]
        .filter(([, name = ""]) => scripts[name] === undefined)
        .map(([, name]) => `${path}: npm run ${name}`),
    );
    expect(faults).toEqual([]);
  });

  test("relative links and named source files lead somewhere", () => {
    const faults = pages.flatMap((path) => {
      const content = textOf(path);
      const links = [...content.matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, link = ""]) =>
        join(dirname(path), link),
      );
      const sources = [
        ...content.matchAll(/`((?:runtime|property-tests)\/[\w./-]+\.(?:ts|mjs))`/g),
      ];
      return [...links, ...sources.map(([, source = ""]) => source)]
        .filter((target) => !existsSync(join(house, target)))
        .map((target) => `${path}: ${target} does not exist`);
    });
    expect(faults).toEqual([]);
  });
});
