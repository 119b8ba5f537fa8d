/**
 * A bind source whose file system does not answer, as when its server is gone: only who asks for it
 * waits, and hears why. The file system is FUSE's, with nobody behind it.
 */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createLinuxKernel } from "../src/kernel/linux/index.ts";
import { skipped, whyNoContainers } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const FUSE = "/dev/fuse";
const whyNoFuse = existsSync(FUSE) ? null : `there is no ${FUSE}`;
const skip = skipped("silent sources", whyNoContainers() ?? whyNoFuse);

const daemon = shareDaemon(skip);

/** A directory that nobody can look at, until `using` ends. */
function silentDirectory() {
  const kernel = createLinuxKernel();
  const above = mkdtempSync(join(tmpdir(), "drydock-silent-"));
  const path = join(above, "silent");
  mkdirSync(path);
  const fd = openSync(FUSE, "r+");
  const data = `fd=${fd},rootmode=40000,user_id=0,group_id=0`;
  kernel.mount({ source: "silent", target: path, fstype: "fuse", flags: [], data });
  return {
    path,
    [Symbol.dispose]: () => {
      // Whoever still waits for it hears ENOTCONN.
      closeSync(fd);
      kernel.umount(path, "detach");
      rmSync(above, { recursive: true });
    },
  };
}

describe.skipIf(skip)("a bind source that does not answer", () => {
  test("holds up nobody but who asks for it, who is told after five seconds", async () => {
    using silent = silentDirectory();
    const Mount = { Type: "bind", Source: silent.path, Target: "/data" };
    const body = { Image: "busybox", Cmd: ["true"], HostConfig: { Mounts: [Mount] } };
    let isAnswered = false;
    const asked = daemon.api("POST", "/containers/create?name=waits", body).finally(() => {
      isAnswered = true;
    });
    const other = await daemon.drydock("run", "--rm", "busybox", "echo", "here");
    expect([other.code, other.stdout]).toEqual([0, "here\n"]);
    expect(isAnswered).toBe(false);
    const { status, text } = await asked;
    expect(status).toBe(503);
    expect(text).toContain(`mount source path '${silent.path}' does not answer`);
    expect((await daemon.api("GET", "/containers/waits/json")).status).toBe(404);
  });
});
