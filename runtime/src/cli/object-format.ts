/**
 * Object formats: one object through a template, for version and info.
 *
 * Kernel interface: none.
 * Specification: docker version reference, "Format the output".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure, messageOf } from "./failure.ts";
import { evaluate, parseFormat } from "./template/evaluate.ts";
import { GO_TYPE } from "./template/go-value.ts";

/** How an object is called when a template asks it for what it has not. */
export interface ObjectNames {
  /** The template's name in error messages. */
  readonly template: string;
  readonly goType: string;
}

/**
 * Prints an object as the user asked: "json" or a template.
 *
 * @throws Failure with exit code 1, or 64 when the template does not parse
 */
export function printObject(format: string, object: object, names: ObjectNames): string {
  if (format === "json") return `${JSON.stringify(object)}\n`;
  try {
    const template = parseFormat(names.template, format);
    return `${evaluate(template, { [GO_TYPE]: names.goType, ...object })}\n`;
  } catch (cause) {
    const parses = /: executing /.test(messageOf(cause));
    const message = parses ? messageOf(cause) : `template parsing error: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: parses ? 1 : 64, cause });
  }
}
