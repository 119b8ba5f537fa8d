/**
 * Version: what this program calls itself; a test holds it against package.json.
 *
 * Kernel interface: none.
 * Specification: Semantic Versioning 2.0.0.
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

/** The version of the runtime. */
export const PROGRAM_VERSION = "0.1.0";
