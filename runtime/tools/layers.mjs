/**
 * The layers of the house, as data: which room may import which, and why.
 *
 * `npm run arch` turns this table into rules for dependency-cruiser. The compiler enforces the same
 * table a second time through the `references` of each room's tsconfig.json.
 */

const ground = ["kernel", "errors", "undo"];
const concepts = ["namespaces", "cgroups", "layers", "volumes", "security"];
const server = [
  ...ground,
  ...concepts,
  "wire",
  "container",
  "images",
  "engine",
  "api",
  "kernel/linux",
];

const conceptReason =
  "A concept knows only the kernel, never another concept: so each can be read, tested and " +
  "changed alone, and what combines them is in one place, container/.";

/** Each room: what it may import, and the reason. */
export const rooms = {
  kernel: { may: [], why: "The port is the bottom of the house: it depends on nothing." },
  errors: { may: ["kernel"], why: "Errors wrap what the kernel said, and know nothing else." },
  undo: { may: ["kernel", "errors"], why: "Undoing is bookkeeping; it has no subject of its own." },
  wire: {
    may: ["errors"],
    why: "What both ends of a line must agree on belongs to neither: it knows no container and no client.",
  },
  "kernel/linux": {
    may: ground,
    why: "An implementation of the port knows the port, and no one above may be known to it.",
  },
  "kernel/model": {
    may: ["kernel"],
    why: "The model runs in a reader's page: it knows the port and nothing of Linux but its rules.",
  },
  ...Object.fromEntries(concepts.map((room) => [room, { may: ground, why: conceptReason }])),
  container: {
    may: [...ground, ...concepts, "wire"],
    why: "container/ knows in which order the concepts act, and nothing of who asks for it.",
  },
  images: {
    may: [...ground, "layers", "wire"],
    why: "An image is a name and a configuration over layers; it knows no container.",
  },
  engine: {
    may: [...ground, ...concepts, "wire", "container", "images"],
    why: "The engine is the façade over containers and images, whoever calls it and by what protocol.",
  },
  api: {
    may: [...ground, ...concepts, "wire", "container", "images", "engine"],
    why: "The REST API translates requests for the engine; the engine never knows of HTTP.",
  },
  cli: {
    may: ["errors", "undo", "wire"],
    why: "The CLI is a client like any other: it reaches the engine through the API alone.",
  },
  "cli/node": {
    may: [...server, "cli", "daemon", "playground"],
    why:
      "The CLI's entry gives it sockets, files and a terminal; it starts the daemon but shares no " +
      "state. `cp` packs the user's files with the engine's own tar, and `run --plan` plans without " +
      "a daemon where there is none.",
  },
  playground: {
    may: [...ground, ...concepts, "container", "images", "engine", "api", "cli", "kernel/model"],
    why: "The page's entry wires the API and the CLI to the model kernel, and needs no Node.",
  },
  keeper: { may: server, why: "The keeper's entry wires container/ to the Linux kernel." },
  daemon: {
    may: [...server, "keeper"],
    why: "The daemon's entry wires the API to the Linux kernel.",
  },
};

/** Where `node:*` may be imported: the one door's Linux side, and the programs' entries. */
export const nodeRooms = ["kernel/linux", "cli/node", "keeper", "daemon"];

/** Packages from npm, and the rooms that may import them. */
export const packages = {
  koffi: {
    rooms: ["kernel/linux", "cli/node"],
    why: "Foreign calls are the kernel port's business; the CLI's entry makes the user's terminal raw.",
  },
  unbash: { rooms: ["kernel/model"], why: "Shell scripts are run by the model's userland." },
  "@noble/hashes": { rooms: ["layers"], why: "Digests are a matter of the content store." },
  hono: { rooms: ["api"], why: "Routing is a matter of the REST API." },
  "@hono/node-server": { rooms: ["daemon"], why: "Serving HTTP is a matter of the daemon." },
  valibot: { rooms: ["api"], why: "Input is checked where it enters, at the REST API." },
  yaml: { rooms: ["cli"], why: "The CLI writes compose files; the engine knows none." },
};
