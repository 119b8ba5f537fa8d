/**
 * The tree as the tidy tests see it: every tracked or new file that git does not ignore.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** The directory of the clone. */
export const house = fileURLToPath(new URL("../..", import.meta.url));

/** Every file of the clone, by path from its root. */
export function filesOfHouse(): readonly string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const names = execFileSync("git", args, { cwd: house, encoding: "utf8" }).split("\0");
  return names.filter((name) => name !== "" && existsSync(join(house, name)));
}

/** The text of a file of the clone. */
export function textOf(path: string): string {
  return readFileSync(join(house, path), "utf8");
}

/** Sources of the runtime that ship: no tests, fixtures or conformance suites. */
export function productFiles(): readonly string[] {
  const product = /^runtime\/src\/.*\.ts$/;
  const test = /\.(test|fixture)\.ts$|^runtime\/src\/kernel\/conformance/;
  return filesOfHouse().filter((path) => product.test(path) && !test.test(path));
}

/** The block comment that opens a file, without its stars; null when there is none. */
export function headerOf(text: string): string | null {
  const comment = /^\/\*\*\n([\s\S]*?)\n \*\/\n/.exec(text);
  return comment?.[1]?.replace(/^ \*(?: |$)/gm, "") ?? null;
}

/** Invariants that a header promises: slug to sentence. */
export function invariantsOf(header: string): ReadonlyMap<string, string> {
  const block = /^Invariants:\n((?: {2}.*\n?)+)/m.exec(header)?.[1] ?? "";
  const lines = block.matchAll(/^ {2}([a-z0-9]+(?:-[a-z0-9]+)*) {2,}(\S.*)$/gm);
  return new Map([...lines].map(([, slug = "", sentence = ""]) => [slug, sentence]));
}

/** Parses one source file of the clone. */
export function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, textOf(path), ts.ScriptTarget.ES2022, true);
}

/**
 * Titles of the tests in a file: `test("title", …)`, `it.skipIf(…)("title", …)`,
 * `test.prop(…)("title", …)`.
 */
export function testTitles(path: string): readonly string[] {
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(test|it)$/.test(rootName(node.expression))) {
      const title = node.arguments[0];
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.push(title.text);
      if (title !== undefined && ts.isTemplateExpression(title)) titles.push(title.head.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(path));
  return titles;
}

function rootName(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) return expression.text;
  if (ts.isCallExpression(expression)) return rootName(expression.expression);
  if (ts.isPropertyAccessExpression(expression)) return rootName(expression.expression);
  return "";
}

/** Exported declarations of a file that carry no doc comment, by name. */
export function undocumentedExports(path: string): readonly string[] {
  return parse(path)
    .statements.filter(isExportedDeclaration)
    .filter((statement) => ts.getJSDocCommentsAndTags(statement).length === 0)
    .map((statement) => nameOf(statement));
}

function isExportedDeclaration(statement: ts.Statement): boolean {
  if (!ts.canHaveModifiers(statement)) return false;
  const modifiers = ts.getModifiers(statement) ?? [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

function nameOf(statement: ts.Statement): string {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText()).join(", ");
  }
  const { name } = statement as ts.DeclarationStatement; // the other exported statements are declarations
  return name?.getText() ?? statement.getText().slice(0, 40);
}
