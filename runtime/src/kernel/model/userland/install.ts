/**
 * Install: what a machine of the model has on its disk.
 *
 * The busybox lies where the makers of images look for the machine's own, and looks as they expect:
 * a static program with the table of its names inside. So the image `busybox` is made on the model
 * by the very code that makes it on Linux.
 *
 * Kernel interface: hier(7), passwd(5), group(5).
 * Invariants: none.
 * Left out: everything that a distribution has beside this.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Files } from "../../port.ts";
import { programFile } from "../processes/program.ts";
import type { ModelProgram } from "../state.ts";
import { APPLET_TABLE, APPLETS, busybox } from "./applets.ts";

/** The programs that a model must know for this: `ModelOptions.programs`. */
export const USERLAND: Readonly<Record<string, ModelProgram>> = { busybox };

/** What is in `/bin/busybox`. */
const BUSYBOX_FILE = `${programFile("busybox")}${APPLET_TABLE}`;

const FILES: Readonly<Record<string, string>> = {
  "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
  "/etc/group": "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n",
  "/etc/hosts": "127.0.0.1\tlocalhost\n",
};

/** Puts commands, users and names on the disk of a machine that has just booted. */
export function installUserland(kernel: Files, hostname: string): void {
  kernel.writeFile("/bin/busybox", BUSYBOX_FILE, "create", 0o755);
  for (const name of Object.keys(APPLETS)) kernel.symlink("busybox", `/bin/${name}`);
  for (const [path, text] of Object.entries(FILES)) kernel.writeFile(path, text, "create", 0o644);
  kernel.writeFile("/etc/hostname", `${hostname}\n`, "create", 0o644);
}
