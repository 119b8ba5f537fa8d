/**
 * A program whose child is killed inside `main`. Run by `spawn.test.ts`.
 */
import { createLinuxKernel } from "./index.ts";

const kernel = createLinuxKernel();
kernel.spawn({ pidNamespace: "inherit", stdio: "null", stdin: false }, (inside) => {
  inside.kernel.kill(inside.hostPid, "SIGKILL");
  return undefined;
});
process.stderr.write("it went on\n");
