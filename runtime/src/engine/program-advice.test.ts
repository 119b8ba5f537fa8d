import { describe, expect, test } from "vitest";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { createModelKernel } from "../kernel/model/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { createContainerView, type ContainerView } from "./container-view.ts";
import { adviceFor, type FailedCommand } from "./program-advice.ts";

/** The beginning of a 64-bit program for a machine, with a loader. */
function elf(machine: number, loader: string): Uint8Array {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(18, machine, true);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 1, true);
  view.setUint32(64, 3, true);
  view.setBigUint64(72, 128n, true);
  bytes.set(new TextEncoder().encode(`${loader}\0`), 128);
  return bytes;
}

const AMD64 = 62;
const ARM64 = 183;

/** A container's tree at /r, beside a host that has a shell. */
function makeTree(files: Readonly<Record<string, string | Uint8Array>>): ContainerView {
  const kernel = createModelKernel({ clock: createLinuxKernel() });
  const write = (path: string, content: string | Uint8Array): void => {
    makeParents(kernel, path);
    const isPlain = path.includes("plain");
    kernel.writeFile(path, content, "create", isPlain ? 0o644 : 0o755);
  };
  write("/bin/bash", "the host's");
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === "string" && content.startsWith("-> ")) {
      makeParents(kernel, `/r${path}`);
      kernel.symlink(content.slice(3), `/r${path}`);
    } else write(`/r${path}`, content);
  }
  return createContainerView(kernel, "/r");
}

function makeParents(kernel: Kernel, path: string): void {
  const parts = path.split("/").slice(1, -1);
  for (const at of parts.keys()) {
    const parent = `/${parts.slice(0, at + 1).join("/")}`;
    const [above, name] = [parent.slice(0, parent.lastIndexOf("/")) || "/", parts[at] ?? ""];
    if (!kernel.readdir(above).includes(name)) kernel.mkdir(parent, 0o755);
  }
}

const failed = (command: string, more: Partial<FailedCommand> = {}): FailedCommand => ({
  command,
  path: "/usr/bin:/bin",
  workingDir: "/",
  user: "",
  architecture: "amd64",
  ...more,
});

const TREE = {
  "/bin/sh": elf(AMD64, "/lib/ld-musl-x86_64.so.1"),
  "/lib/ld-musl-x86_64.so.1": "loader",
  "/bin/cat": "x",
  "/docker-entrypoint.sh": "#!/bin/sh\n",
  "/app/plain.sh": "#!/bin/sh\n",
  "/app/bash.sh": "#!/bin/bash -e\necho",
  "/app/windows.sh": "#!/bin/sh\r\necho",
  "/app/text": "echo hi\n",
  "/app/nothing": "",
  "/app/other": elf(ARM64, "/lib/ld-linux-aarch64.so.1"),
  "/app/glibc": elf(AMD64, "/lib64/ld-linux-x86-64.so.2"),
  "/app/image": new Uint8Array([0x89, 0x50, 0, 1]),
  "/app/dangling": "-> /opt/tool",
  "/app/escape": "-> /../../bin/bash",
};

describe("adviceFor()", () => {
  const view = makeTree(TREE);
  const say = (command: string, more: Partial<FailedCommand> = {}): string =>
    adviceFor(view, failed(command, more)).join("\n");

  test.each([
    ["docker-entrypoint.sh", "It is at /docker-entrypoint.sh, which PATH does not name"],
    ["cta", "Did you mean cat?"],
    ["cat /etc/passwd", 'Separate words: "cat", "/etc/passwd"'],
    ["source", "a word of the shell, not a program"],
    ["qemu-img", "Looked for qemu-img in /usr/bin, /bin (PATH).\nThe image does not have it"],
    ["/docker-entrypiont.sh", "Did you mean /docker-entrypoint.sh?"],
    ["/bim/cat", "The image has /, but no bim in it.\nDid you mean /bin/cat?"],
    ["/bin/cat/x", "/bin/cat is a file, not a directory."],
    ["/app/dangling", "/app/dangling is a link to /opt/tool, and that is not in the image."],
    ["/app", "/app holds files"],
    ["/app/plain.sh", "/app/plain.sh has mode 0644: nobody may execute it.\nSet the x bit"],
    ["/app/bash.sh", "asks for /bin/bash, which the image does not have.\nInstall it in the image"],
    ["/app/windows.sh", 'carriage return, as on Windows: the kernel looks for "/bin/sh\\r".'],
    ["/app/text", "a text that does not say who should run it"],
    ["/app/nothing", "/app/nothing is empty."],
    ["/app/other", "compiled for arm64; this machine is amd64.\nUse an image for linux/amd64"],
    ["/app/glibc", "needs the dynamic loader /lib64/ld-linux-x86-64.so.2"],
    ["/app/image", "neither a program for Linux (ELF) nor a script"],
    ["/app/escape", "/app/escape is a link to /../../bin/bash, and that is not in the image."],
  ])("%s: %s", (command, words) => {
    expect(say(command)).toContain(words);
  });

  test("a command without slash is the one that PATH finds first", () => {
    expect(say("plain.sh", { path: "/app" })).toContain("mode 0644");
    expect(say("./plain.sh", { workingDir: "/app" })).toContain("mode 0644");
  });

  test("a user who may not execute a file is told whose it is", () => {
    const kernel = createModelKernel({ clock: createLinuxKernel() });
    kernel.mkdir("/r", 0o755);
    kernel.writeFile("/r/x", elf(AMD64, "/x"), "create", 0o750);
    const lines = adviceFor(createContainerView(kernel, "/r"), failed("/x", { user: "www" }));
    expect(lines[0]).toBe("/x has mode 0750 and belongs to 0:0; the container runs as www.");
  });

  test("an image without a shell is told apart", () => {
    const scratch = makeTree({ "/server": "x" });
    expect(adviceFor(scratch, failed("sh")).join()).toContain("The image has no shell");
    expect(adviceFor(scratch, failed("/bin/sh")).join()).toContain("The image has no shell");
    expect(adviceFor(view, failed("/bin/bash")).join()).toContain("has another shell: /bin/sh");
  });

  test("says nothing where nothing is wrong", () => {
    expect(say("/bin/sh")).toBe("");
  });
});
