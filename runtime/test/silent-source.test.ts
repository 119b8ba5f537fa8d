/**
 * A bind source whose file system does not answer, as when its server is gone: only who asks for it
 * waits, and hears why. The file system is FUSE's, with nobody behind it.
 */
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
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

function directory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "drydock-silent-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** Nobody can look at this directory until `using` ends. */
function silenced(path: string): Disposable {
  const kernel = createLinuxKernel();
  const fd = openSync(FUSE, "r+");
  const data = `fd=${fd},rootmode=40000,user_id=0,group_id=0`;
  kernel.mount({ source: "silent", target: path, fstype: "fuse", flags: [], data });
  return {
    [Symbol.dispose]: () => {
      // Whoever still waits for it hears ENOTCONN.
      closeSync(fd);
      kernel.umount(path, "detach");
    },
  };
}

describe.skipIf(skip)("a bind source that does not answer", () => {
  test("holds up nobody but who asks for it or copies, who is told after five seconds", async () => {
    using source = directory();
    const volume = `${source.path}:/data`;
    for (const [name, command] of [
      ["stopped", "true"],
      ["runs", "sleep 1000"],
    ] as const) {
      const words = ["-d", "--name", name, "-v", volume, "busybox", ...command.split(" ")];
      expect((await daemon.drydock("run", ...words)).code).toBe(0);
    }
    await daemon.drydock("wait", "stopped");
    {
      using _silence = silenced(source.path);
      const Mount = { Type: "bind", Source: source.path, Target: "/data" };
      const body = { Image: "busybox", Cmd: ["true"], HostConfig: { Mounts: [Mount] } };
      let answered = 0;
      const asked = [
        daemon.api("POST", "/containers/create?name=waits", body),
        daemon.api("GET", "/containers/stopped/archive?path=/etc/passwd"),
        daemon.api("GET", "/containers/runs/archive?path=/data"),
      ].map((answer) => answer.finally(() => (answered += 1)));
      const other = await daemon.drydock("run", "--rm", "busybox", "echo", "here");
      expect([other.code, other.stdout]).toEqual([0, "here\n"]);
      expect(answered).toBe(0);
      for (const { status, text } of await Promise.all(asked)) {
        expect(status).toBe(503);
        expect(text).toContain(`mount source path '${source.path}' does not answer`);
      }
    }
    expect((await daemon.api("GET", "/containers/waits/json")).status).toBe(404);
    expect((await daemon.drydock("cp", "stopped:/etc/passwd", "-")).code).toBe(0);
  });
});
