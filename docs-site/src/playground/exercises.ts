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
      "drydock run -d --name one busybox sleep 1000",
      "drydock run -d --net container:one busybox sleep 1000",
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
    solution: ["drydock run -d --name box busybox sleep 1000", "drydock exec box rm /etc/passwd"],
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
    id: "name-by-hand",
    page: "eight-steps",
    text:
      "Take step 2 by hand: with unshare and hostname, let a process run on the machine that has" +
      " a name of its own and shares everything else.",
    isDone: (seen) => containers(seen).some((box) => ownKinds(box).join() === "uts"),
    solution: ["unshare -u sh -c 'hostname boat; sleep 1000' &"],
  },
  {
    id: "fewer-namespaces",
    page: "how-a-container-starts",
    text: "Start a container whose first unshare asks for no network of its own.",
    isDone: ({ calls }) =>
      calls.some((call) => {
        const flags = JSON.stringify(call.args[0] ?? "");
        const isFirst = call.call === "unshare" && flags.includes("CLONE_NEWNS");
        return isFirst && !flags.includes("CLONE_NEWNET");
      }),
    solution: ["drydock run --rm --net host busybox true"],
  },
  {
    id: "read-only-volume",
    page: "how-a-container-starts",
    text:
      "Start a container with a volume that it cannot write to, and find the two mount calls that" +
      " this takes.",
    isDone: ({ calls }) =>
      calls.some(({ call, args }) => {
        const asked = JSON.stringify(args);
        return (
          call === "mount" &&
          /"MS_BIND"/.test(asked) &&
          /"MS_REMOUNT"/.test(asked) &&
          /"MS_RDONLY"/.test(asked) &&
          /"\/mnt|\/mnt"/.test(asked)
        );
      }),
    solution: ["drydock run --rm -v /etc:/mnt:ro busybox true"],
  },
];
