/**
 * Layers: one tree out of many, by overlayfs.
 *
 * A container's root file system is a stack: the image's layers below, read-only and shared by all
 * containers, and one directory of its own on top that takes every change. A file is copied up when
 * it is first written, a deleted one is covered by a whiteout. The kernel does all of it; we only
 * name the directories in one string.
 *
 * That string may be 4095 bytes long. The path of a layer has a hash of 64 digits in it, so 127
 * layers would not fit: each layer has a short link as well, and whoever mounts first changes into
 * the directory of these links.
 *
 * Kernel interface: mount(2), overlayfs (kernel documentation, filesystems/overlayfs.rst).
 * Invariants:
 *   overlay-is-copy                  operations give the same results and tree as on a copy of the
 *                                    lower tree, but for the two known deviations
 *   overlay-lower-unchanged          no operation in the merged tree changes a lower layer
 *   overlay-marks-hidden             no whiteout, opaque mark or .wh. name is seen in a merged tree
 *   overlay-reads-leave-upper-empty  operations that only read leave the upper layer empty
 *   umount-undoes-mount              the mount table returns to its earlier value
 *   overlay-fits                     127 lower layers fit into the mount options
 * Left out: fsconfig(2) with lowerdir+, which has no such limit and needs Linux 6.8; redirect_dir,
 *   so renaming a directory that comes from a layer gives EXDEV, as with Docker.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { MountCall } from "../kernel/index.ts";

/** What to stack. */
export interface OverlayRequest {
  /**
   * The directory that the relative paths below start from; the mounting process changes into it
   * first.
   */
  readonly directory: string;
  /** The layers' directories, the topmost first, relative to `directory`. */
  readonly lowers: readonly string[];
  /** Takes every change; without it the mount is read-only. */
  readonly upper?: string;
  /** Empty scratch directory on the same file system as `upper`. */
  readonly work?: string;
  /** Absolute path of an existing directory. */
  readonly target: string;
  /** `user` when the mount is made in a user namespace, which may not use trusted.* attributes. */
  readonly attributes?: "trusted" | "user";
}

/** How to mount: change into `chdir`, then make the call. */
export interface OverlayPlan {
  readonly chdir: string;
  readonly mount: MountCall;
}

/** mount(2) copies one page of options, with a zero byte at its end. */
const MOUNT_DATA_MAX_BYTES = 4095;

/**
 * Plans an overlay mount. Pure.
 *
 * @throws RuntimeError `layer-invalid` when there is no layer or when the options would not fit
 * @example planOverlay({ directory: "/var/lib/drydock/l", lowers: ["b2", "a1"], target: "/mnt"
 *   }).mount.data; // "lowerdir=b2:a1,…"
 */
export function planOverlay(request: OverlayRequest): OverlayPlan {
  const { lowers, upper, work } = request;
  const options = [
    `lowerdir=${lowers.join(":")}`,
    ...(upper === undefined ? [] : [`upperdir=${upper}`, `workdir=${work ?? ""}`]),
    // Said, not left to how the kernel was built: the same behaviour on every machine.
    "index=off,metacopy=off,redirect_dir=off",
    ...(request.attributes === "user" ? ["userxattr"] : []),
  ];
  const data = options.join(",");
  const size = new TextEncoder().encode(data).length;
  if (lowers.length === 0) refuse(request, "no layer to mount");
  if ([...lowers, upper ?? "", work ?? ""].some((path) => /[:,\\]/.test(path))) {
    refuse(request, "a layer's path contains a colon, comma or backslash");
  }
  if (size > MOUNT_DATA_MAX_BYTES) {
    refuse(
      request,
      `too many layers: the mount options need ${size} of ${MOUNT_DATA_MAX_BYTES} bytes`,
    );
  }
  const flags = upper === undefined ? (["MS_RDONLY"] as const) : [];
  const mount = { source: "overlay", target: request.target, fstype: "overlay", flags, data };
  return { chdir: request.directory, mount };
}

function refuse(request: OverlayRequest, message: string): never {
  throw new RuntimeError({
    code: "layer-invalid",
    class: "invalid",
    operation: "plan overlay",
    subject: request.target,
    message,
    hint: "Images have at most 127 layers; merge some of them.",
  });
}
