/**
 * Seccomp compiler: from rules to a program of classic BPF.
 *
 * The program asks for the architecture, then finds the number by halving: neighbouring numbers
 * with the same verdict become one range, and a balanced tree of "is it at least …?" leads to the
 * range in seven or eight steps. Only calls with conditions look at arguments, one 32-bit half
 * after the other, since the machine's accumulator has 32 bits.
 *
 *     arch? ── x86_64 ── nr ≥ 0x40000000? ── yes ── x32: tree of ranges
 *       │                                └─ no ─── x86_64: tree of ranges ─▶ verdict or conditions
 *       ├───── i386 ───── tree of ranges
 *       └───── other ──── kill
 *
 * Kernel interface: seccomp(2), linux/filter.h, linux/seccomp.h.
 * Specification: none; libseccomp and runc are the reference.
 * Invariants:
 *   seccomp-compiles   the program and the rules decide the same, for every call and all arguments
 *   seccomp-fits       the default profile fits into 4096 instructions for every capability set
 * Left out: ordering by how often a call is made; the kernel caches verdicts that need no argument.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { BpfInstruction } from "../kernel/index.ts";
import { assemble, BPF_MAX_INSTRUCTIONS } from "./bpf.ts";
import type { BpfNode, BpfTest } from "./bpf.ts";
import { X32_BIT } from "./seccomp-filter.ts";
import type { FilterRule, FilterTable, SeccompFilter } from "./seccomp-filter.ts";
import type { SeccompAction, SeccompComparison, SeccompCondition } from "./seccomp-profile.ts";

const OFFSET_NR = 0;
const OFFSET_ARCH = 4;
const OFFSET_ARGS = 16;

/** SECCOMP_RET_… of linux/seccomp.h. */
const RETURN = {
  "kill-process": 0x80000000,
  "kill-thread": 0x00000000,
  trap: 0x00030000,
  errno: 0x00050000,
  trace: 0x7ff00000,
  log: 0x7ffc0000,
  allow: 0x7fff0000,
} as const;

/**
 * The value that a filter returns for an action.
 *
 * @example actionValue({ kind: "errno", errno: 1 }) // 0x00050001
 */
export function actionValue(action: SeccompAction): number {
  if (action.kind === "errno") return RETURN.errno + action.errno;
  if (action.kind === "trace") return RETURN.trace + action.message;
  return RETURN[action.kind];
}

/** A range of numbers from `first` to the next range's first, and what happens to them. */
interface Range {
  readonly first: number;
  readonly verdict: BpfNode;
}

const ALL_BITS = 0xffffffff;

/** The nodes of one program; equal verdicts are one node, so that ranges can be merged. */
class Verdicts {
  readonly #returns = new Map<number, BpfNode>();

  of(action: SeccompAction): BpfNode {
    const value = actionValue(action);
    const known = this.#returns.get(value) ?? { op: "return", value };
    this.#returns.set(value, known);
    return known;
  }
}

function load(offset: number, mask: number, next: BpfNode): BpfNode {
  const masked: BpfNode = mask === ALL_BITS ? next : { op: "and", mask, next };
  return { op: "load", offset, next: masked };
}

/** Each comparison as one of the machine's three, or as its opposite. */
const TESTS: Readonly<Record<SeccompComparison, { test: BpfTest; sense: "same" | "opposite" }>> = {
  SCMP_CMP_EQ: { test: "equal", sense: "same" },
  SCMP_CMP_MASKED_EQ: { test: "equal", sense: "same" },
  SCMP_CMP_NE: { test: "equal", sense: "opposite" },
  SCMP_CMP_GT: { test: "greater", sense: "same" },
  SCMP_CMP_LE: { test: "greater", sense: "opposite" },
  SCMP_CMP_GE: { test: "greaterOrEqual", sense: "same" },
  SCMP_CMP_LT: { test: "greaterOrEqual", sense: "opposite" },
};

const lowHalf = (value: bigint) => Number(value & 0xffffffffn);
const highHalf = (value: bigint) => Number(value >> 32n);

/** Compares one 64-bit argument, the high half first; only if that is equal the low one decides. */
function compileCondition(condition: SeccompCondition, holds: BpfNode, fails: BpfNode): BpfNode {
  const { test, sense } = TESTS[condition.op];
  const [yes, no] = sense === "same" ? [holds, fails] : [fails, holds];
  const isMasked = condition.op === "SCMP_CMP_MASKED_EQ";
  const mask = isMasked ? condition.value : 0xffffffffffffffffn;
  const wanted = isMasked ? condition.valueTwo : condition.value;
  const offset = OFFSET_ARGS + 8 * condition.index;
  const high = highHalf(wanted);
  const lowTest: BpfNode = { op: "test", test, value: lowHalf(wanted), yes, no };
  const low = load(offset, lowHalf(mask), lowTest);
  const unequal: BpfNode =
    test === "equal" ? no : { op: "test", test: "greater", value: high, yes, no };
  const highTest: BpfNode = { op: "test", test: "equal", value: high, yes: low, no: unequal };
  return load(offset + 4, highHalf(mask), highTest);
}

/** The rules of one call, tried in order; built from the last one backwards. */
function compileRules(
  rules: readonly FilterRule[],
  otherwise: BpfNode,
  verdicts: Verdicts,
): BpfNode {
  return rules.reduceRight((next, { action, conditions }) => {
    const verdict = verdicts.of(action);
    return conditions.reduceRight(
      (inner, condition) => compileCondition(condition, inner, next),
      verdict,
    );
  }, otherwise);
}

function rangesOf(table: FilterTable, filter: SeccompFilter, verdicts: Verdicts): readonly Range[] {
  const otherwise = verdicts.of(filter.defaultAction);
  const ranges: Range[] = [];
  const add = (first: number, verdict: BpfNode) => {
    if (ranges.at(-1)?.verdict !== verdict) ranges.push({ first, verdict });
  };
  const numbers = [...table.rules.keys()].toSorted((left, right) => left - right);
  let next = 0;
  for (const number of numbers) {
    if (number > next) add(next, otherwise);
    add(number, compileRules(table.rules.get(number) ?? [], otherwise, verdicts));
    next = number + 1;
  }
  if (next <= table.highestKnown) add(next, otherwise);
  add(table.highestKnown + 1, verdicts.of(filter.unknownAction));
  return ranges.map(({ first, verdict }) => ({ first: first + table.numberBits, verdict }));
}

/** A balanced tree: the first range of the upper half decides where to go on. */
function compileRanges(ranges: readonly Range[]): BpfNode {
  const middle = ranges.length >> 1;
  const upper = ranges[middle];
  if (upper === undefined) throw new Error("a table of a filter has no ranges");
  if (middle === 0) return upper.verdict;
  return {
    op: "test",
    test: "greaterOrEqual",
    value: upper.first,
    yes: compileRanges(ranges.slice(middle)),
    no: compileRanges(ranges.slice(0, middle)),
  };
}

/** All tables of one architecture: x32 shares that of x86_64 and differs in bit 30. */
function compileArchitecture(
  tables: readonly FilterTable[],
  filter: SeccompFilter,
  verdicts: Verdicts,
): BpfNode {
  const treeOf = (bits: number) => {
    const table = tables.find(({ numberBits }) => numberBits === bits);
    if (table === undefined) return verdicts.of(filter.foreignAction);
    return compileRanges(rangesOf(table, filter, verdicts));
  };
  const isX86 = tables.some(({ table }) => table === "X86_64" || table === "X32");
  const plain = treeOf(0);
  const tree: BpfNode = isX86
    ? { op: "test", test: "greaterOrEqual", value: X32_BIT, yes: treeOf(X32_BIT), no: plain }
    : plain;
  return load(OFFSET_NR, ALL_BITS, tree);
}

/**
 * Compiles a filter. Pure and repeatable: the same filter gives the same program.
 *
 * @throws RuntimeError `seccomp-profile-invalid` (400) when the program would be too long
 * @example
 * const program = compileFilter(resolveFilter(defaultSeccompProfile(), facts));
 * runBpf(program, data) // 0x7fff0000, SECCOMP_RET_ALLOW
 */
export function compileFilter(filter: SeccompFilter): readonly BpfInstruction[] {
  const verdicts = new Verdicts();
  const byArch = new Map<number, FilterTable[]>();
  for (const table of filter.tables) {
    byArch.set(table.auditArch, [...(byArch.get(table.auditArch) ?? []), table]);
  }
  const root = [...byArch].reduceRight<BpfNode>(
    (no, [value, tables]) => ({
      op: "test",
      test: "equal",
      value,
      yes: compileArchitecture(tables, filter, verdicts),
      no,
    }),
    verdicts.of(filter.foreignAction),
  );
  const program = assemble({ op: "load", offset: OFFSET_ARCH, next: root });
  if (program.length <= BPF_MAX_INSTRUCTIONS) return program;
  throw new RuntimeError({
    code: "seccomp-profile-invalid",
    class: "invalid",
    message: `Cannot compile the seccomp profile: ${program.length} instructions are too many`,
    operation: "compile the seccomp profile",
    subject: `${program.length} instructions`,
    hint: `The kernel takes ${BPF_MAX_INSTRUCTIONS}; use fewer conditions on arguments.`,
  });
}
