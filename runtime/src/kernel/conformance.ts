/**
 * Conformance: what every implementation of the port must do, errno for errno.
 *
 * One suite for all: the Linux kernel shows that the cases are true, the model passes them to be
 * believed. A test file registers it with three lines; cases that the place cannot run are skipped
 * with the reason in their name.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: anything that depends on the hardware.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { addressCases } from "./conformance/addresses.ts";
import { attributeCases } from "./conformance/attributes.ts";
import type { Case, Need } from "./conformance/case.ts";
import { credentialCases } from "./conformance/credentials.ts";
import { fileCases } from "./conformance/files.ts";
import { linkCases } from "./conformance/links.ts";
import { machineCases } from "./conformance/machine.ts";
import { mountCases } from "./conformance/mounts.ts";
import { namespaceCases } from "./conformance/namespaces.ts";
import { openFileCases } from "./conformance/open-files.ts";
import { packetFilterCases } from "./conformance/packet-filter.ts";
import { processCases } from "./conformance/processes.ts";
import type { Kernel } from "./port.ts";

/** All cases, by what they are about. */
export const CONFORMANCE: Readonly<Record<string, readonly Case[]>> = {
  files: fileCases,
  "open-files": openFileCases,
  attributes: attributeCases,
  mounts: mountCases,
  processes: processCases,
  namespaces: namespaceCases,
  credentials: credentialCases,
  links: linkCases,
  addresses: addressCases,
  "packet-filter": packetFilterCases,
  machine: machineCases,
};

/** What the suite runs on. */
export interface Ground {
  readonly kernel: Kernel;
  /** An existing directory that the suite may fill; it empties it again. */
  readonly scratch: string;
  /** Why a need is not met here, or undefined when it is. */
  missing(need: Need): string | undefined;
}

/** One test for a test framework to register. */
export interface ConformanceTest {
  readonly title: string;
  /** Why it cannot run here. */
  readonly reason: string | undefined;
  readonly run: () => Promise<void>;
}

/** Every case of the suite as a test. */
export function conformanceTests(ground: Ground): readonly ConformanceTest[] {
  const { kernel } = ground;
  return Object.entries(CONFORMANCE).flatMap(([topic, cases]) =>
    cases.map((each, index) => ({
      title: each.name,
      reason: ground.missing(each.need),
      run: async () => {
        const scratch = `${ground.scratch}/${topic}-${index}`;
        kernel.mkdir(scratch, 0o755);
        try {
          await each.run({ kernel, scratch });
        } finally {
          removeTree(kernel, scratch);
        }
      },
    })),
  );
}

/** Removes a directory and what is in it. */
export function removeTree(kernel: Kernel, path: string): void {
  for (const name of kernel.readdir(path)) {
    const below = `${path}/${name}`;
    if (kernel.lstat(below).type === "directory") removeTree(kernel, below);
    else kernel.unlink(below);
  }
  kernel.rmdir(path);
}
