/**
 * A program whose child is killed inside `main`: by itself, or where it waits for nobody. Run by
 * `spawn.test.ts`, with a FIFO or without.
 */
import { createLinuxKernel } from "./index.ts";

const kernel = createLinuxKernel();
const [, , fifo] = process.argv;
kernel.spawn({ pidNamespace: "inherit", stdio: "null", stdin: false }, (inside) => {
  if (fifo === undefined) {
    inside.kernel.kill(inside.hostPid, "SIGKILL");
    return undefined;
  }
  inside.kernel.writeFile(`${fifo}.pid`, `${inside.hostPid}\n`, "create");
  inside.kernel.readText(fifo);
  return undefined;
});
process.stderr.write("it went on\n");
