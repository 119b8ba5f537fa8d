/**
 * Region: finds a named piece of a source file.
 *
 * A page names what it shows, `plan.ts#planNamespaces`, and never holds a copy. The name is that of
 * a declaration (`name`, or `name.member` for one entry of a class, interface or object), or of a
 * region between `// #region name` and `// #endregion name`. A declaration is cut with its doc
 * comment, a region without its two marks. A name that is not there, or there twice, is an error:
 * it fails the build.
 *
 * @module
 */
import ts from "typescript";

/** A piece of a source file. Lines count from 1; both ends belong to it. */
export interface Region {
  readonly first: number;
  readonly last: number;
  /** The lines, without the indentation that all of them share. */
  readonly code: string;
}

/**
 * Cuts a region out.
 *
 * @param path names the file in errors
 * @throws Error when the name is not there, is there twice, or its marks do not match
 */
export function cutRegion(path: string, text: string, name: string): Region {
  const found = [...markedRegions(path, text, name), ...declarations(path, text, name)];
  const [region, second] = found;
  if (region === undefined) throw new Error(`${path} has no region or declaration ${name}`);
  if (second !== undefined) throw new Error(`${path} has more than one ${name}`);
  return region;
}

/** Lines `first` to `last` of a text, without the indentation that all of them share. */
export function cutLines(text: string, first: number, last: number): Region {
  const lines = text.split("\n").slice(first - 1, last);
  const indents = lines.filter((line) => line !== "").map((line) => /^ */.exec(line)?.[0].length);
  const shared = Math.min(...indents.map((indent) => indent ?? 0));
  return { first, last, code: lines.map((line) => line.slice(shared)).join("\n") };
}

function markedRegions(path: string, text: string, name: string): readonly Region[] {
  const lines = text.split("\n").map((line) => line.trim());
  const linesThatAre = (mark: string): readonly number[] =>
    lines.flatMap((line, index) => (line === mark ? [index + 1] : []));
  const begins = linesThatAre(`// #region ${name}`);
  const ends = linesThatAre(`// #endregion ${name}`);
  return begins.map((begin, index) => {
    const end = ends[index];
    if (begins.length !== ends.length || end === undefined || end <= begin + 1) {
      throw new Error(`${path}: the marks of region ${name} do not enclose anything`);
    }
    return cutLines(text, begin + 1, end - 1);
  });
}

function declarations(path: string, text: string, name: string): readonly Region[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const [outer = "", ...inner] = name.split(".");
  let nodes: readonly ts.Node[] = source.statements.filter((node) => namesOf(node).includes(outer));
  for (const member of inner) {
    nodes = nodes.flatMap((node) => membersOf(node).filter((each) => namesOf(each)[0] === member));
  }
  return nodes.map((node) => {
    const lineOf = (position: number): number =>
      source.getLineAndCharacterOfPosition(position).line + 1;
    return cutLines(text, lineOf(node.getStart(source, true)), lineOf(node.getEnd()));
  });
}

function namesOf(node: ts.Node): readonly string[] {
  if (ts.isVariableStatement(node)) {
    return node.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = node as { name?: ts.Node }; // every declaration has one, other nodes may
  const text = name?.getText();
  return text === undefined ? [] : [text.replace(/^["']|["']$/g, "")];
}

/** What can be named behind a dot: members of classes, interfaces and object literals. */
function membersOf(node: ts.Node): readonly ts.Node[] {
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) return [...node.members];
  if (!ts.isVariableStatement(node)) return [];
  return node.declarationList.declarations.flatMap(({ initializer }) =>
    initializer !== undefined && ts.isObjectLiteralExpression(initializer)
      ? [...initializer.properties]
      : [],
  );
}
