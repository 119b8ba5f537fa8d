/**
 * Exercises: tasks whose solution the machine itself can see.
 *
 * A check looks at the machine as it is and at what was asked of it, never at what was typed: any
 * way that leads there counts.
 */
import type { Snapshot } from "../../../runtime/src/kernel/model/index.ts";
import type { PlaygroundCall } from "../../../runtime/src/playground/index.ts";
import { cgroupRows } from "./views/cgroups.ts";
import { overlays } from "./views/layers.ts";
import { viewBoxes } from "./views/processes.ts";
import type { ViewBox } from "./views/processes.ts";

/** What a check may look at. */
export interface Seen {
  readonly snapshot: Snapshot;
  readonly calls: readonly PlaygroundCall[];
}

/** One task. */
export interface Exercise {
  readonly id: string;
  /** The concept page that it belongs to. */
  readonly page: string;
  readonly text: string;
  readonly isDone: (seen: Seen) => boolean;
  /** Commands that solve it; a test runs them. */
  readonly solution: readonly string[];
}

/** The containers: the boxes inside the machine's. */
function containers({ snapshot }: Seen): readonly ViewBox[] {
  const below = (box: ViewBox): readonly ViewBox[] => [box, ...box.inside.flatMap(below)];
  return viewBoxes(snapshot).flatMap(({ inside }) => inside.flatMap(below));
}

function ownKinds({ own }: ViewBox): readonly string[] {
  return own.map(({ kind }) => kind);
}

/** Limits of the cgroups that somebody is in. */
function inhabited({ snapshot }: Seen): ReturnType<typeof cgroupRows> {
  return cgroupRows(snapshot).filter(({ processes, path }) => processes.length > 0 && path !== "/");
}

export const EXERCISES: readonly Exercise[] = [
  {
    id: "two-containers",
    page: "what-a-container-is",
    text: "Let two containers run at the same time. How many process 1 are there now?",
    isDone: (seen) => containers(seen).filter((box) => ownKinds(box).includes("pid")).length >= 2,
    solution: ["drydock run -d busybox sleep 1000", "drydock run -d busybox sleep 1000"],
  },
  {
    id: "machine-name",
    page: "namespaces",
    text: "Start a container that has process numbers of its own, but the machine's own name.",
    isDone: (seen) =>
      containers(seen).some((box) => {
        const kinds = ownKinds(box);
        return kinds.includes("pid") && kinds.includes("mnt") && !kinds.includes("uts");
      }),
    solution: ["drydock run -d --uts host busybox sleep 1000"],
  },
  {
    id: "shared-network",
    page: "namespaces",
    text: "Start two containers that share one network, which is not the machine's.",
    isDone: (seen) => {
      const nets = containers(seen).flatMap(
        ({ processes }) => processes[0]?.namespaces["net"] ?? [],
      );
      const host = viewBoxes(seen.snapshot)[0]?.processes[0]?.namespaces["net"];
      return nets.some((net, at) => net !== host && nets.indexOf(net) !== at);
    },
    solution: [
      "drydock run -d --name a busybox sleep 1000",
      "drydock run -d --net container:a busybox sleep 1000",
    ],
  },
  {
    id: "pids-limit",
    page: "cgroups",
    text: "Let a container run that may have at most 20 processes.",
    isDone: (seen) => inhabited(seen).some(({ pids }) => pids.most === 20),
    solution: ["drydock run -d --pids-limit 20 busybox sleep 1000"],
  },
  {
    id: "half-a-processor",
    page: "cgroups",
    text: "Let a container run that gets half a processor.",
    isDone: (seen) => inhabited(seen).some(({ processors }) => processors === 0.5),
    solution: ["drydock run -d --cpus 0.5 busybox sleep 1000"],
  },
  {
    id: "whiteout",
    page: "layers",
    text: "Delete /etc/passwd in a running container, and find in the picture what is left of it.",
    isDone: ({ snapshot }) =>
      overlays(snapshot).some(
        ({ layers }) => layers[0]?.tree?.children?.["etc"]?.children?.["passwd"]?.type === "char",
      ),
    solution: ["drydock run -d --name c busybox sleep 1000", "drydock exec c rm /etc/passwd"],
  },
  {
    id: "read-only",
    page: "layers",
    text: "Let a container run that can write nowhere in its root.",
    isDone: ({ snapshot }) =>
      Object.values(snapshot.mounts).some((table) =>
        table.some(({ type, path, readOnly }) => type === "overlay" && path === "/" && readOnly),
      ),
    solution: ["drydock run -d --read-only busybox sleep 1000"],
  },
  {
    id: "single-capability",
    page: "capabilities",
    text: "Let a container run whose root has one capability, CAP_CHOWN, and no other.",
    isDone: (seen) =>
      containers(seen).some(({ processes }) =>
        processes.some(({ capabilities }) => capabilities.join() === "CAP_CHOWN"),
      ),
    solution: ["drydock run -d --cap-drop ALL --cap-add CHOWN busybox sleep 1000"],
  },
  {
    id: "not-root",
    page: "users",
    text: "Let a container run as user 1000. How many capabilities does it have?",
    isDone: (seen) =>
      containers(seen).some(({ processes }) => processes.some(({ uid }) => uid === 1000)),
    solution: ["drydock run -d -u 1000 busybox sleep 1000"],
  },
  {
    id: "failing-start",
    page: "how-a-container-starts",
    text:
      "Start a container whose program does not exist. Which call fails, with which errno, and what" +
      " is undone after it?",
    isDone: ({ calls }) => calls.some(({ call, errno }) => call === "execve" && errno === "ENOENT"),
    solution: ["drydock run busybox nothing-of-that-name"],
  },
];
