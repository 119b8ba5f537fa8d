/**
 * Arch: does every import point the way the map of the house says?
 *
 * The second of three locks on the layering (the first is the compiler, the third the browser
 * bundle). dependency-cruiser reads the sources with TypeScript 6 and applies the rules made from
 * layers.mjs. With a TypeScript that it cannot use it sees no modules and reports success; hence
 * the floor below.
 *
 * Usage: node runtime/tools/arch.mjs [directory of the house] [least number of modules]
 */
import { cruise } from "dependency-cruiser";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeRooms, packages, rooms } from "./layers.mjs";

const house = resolve(process.argv[2] ?? fileURLToPath(new URL("../..", import.meta.url)));
const leastModules = Number(process.argv[3] ?? 300);
const src = "^runtime/src/";
const test = "\\.(test|fixture)\\.ts$|^runtime/src/kernel/conformance";

/** A room's files, without the rooms inside it (kernel/linux is not part of kernel). */
function filesOf(room) {
  const inner = Object.keys(rooms).filter((other) => other.startsWith(`${room}/`));
  const names = inner.map((other) => other.slice(room.length + 1));
  return `${src}${room}/${names.length > 0 ? `(?!(${names.join("|")})/)` : ""}`;
}

function roomRule([room, { may, why }]) {
  const allowed = [room, ...may].map(filesOf);
  return {
    name: `${room}-imports`,
    comment: why,
    severity: "error",
    from: { path: filesOf(room), pathNot: test },
    to: { path: src, pathNot: allowed },
  };
}

function doorRule(room) {
  return {
    name: `${room}-door`,
    comment: "index.ts is a room's only door: what it does not export may change freely.",
    severity: "error",
    from: { path: src, pathNot: [`${src}${room}/`, test] }, // rooms inside a room are at home in it
    to: { path: filesOf(room), pathNot: `${src}${room}/(index|main)\\.ts$` },
  };
}

function packageRule([name, { rooms: allowed, why }]) {
  return {
    name: `${name}-stays-in-its-room`,
    comment: why,
    severity: "error",
    from: { path: src, pathNot: [...allowed.map((room) => `${src}${room}/`), test] },
    to: { path: `(^|/)node_modules/${name}(/|$)` },
  };
}

const generalRules = [
  {
    name: "no-cycle",
    comment: "Two files that need each other are one file, or hide a third.",
    severity: "error",
    from: { path: src },
    to: { circular: true },
  },
  {
    name: "node-only-in-the-entries",
    comment:
      "Everything but the Linux kernel and the programs' entries runs in the reader's browser too, " +
      "so it takes what it needs through the port.",
    severity: "error",
    from: { path: src, pathNot: [...nodeRooms.map((room) => `${src}${room}/`), test] },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "known-room",
    comment: "A new folder needs a place on the map: add it to layers.mjs with its reason.",
    severity: "error",
    from: { path: src, pathNot: Object.keys(rooms).map((room) => `${src}${room}/`) },
    to: {},
  },
  {
    name: "known-package",
    comment:
      "Each npm dependency of the runtime is named in layers.mjs, with the room that needs it.",
    severity: "error",
    from: { path: src, pathNot: test },
    to: {
      path: "(^|/)node_modules/",
      pathNot: Object.keys(packages).map((name) => `(^|/)node_modules/${name}(/|$)`),
    },
  },
  {
    name: "no-test-in-the-product",
    comment: "What ships does not depend on its tests.",
    severity: "error",
    from: { path: src, pathNot: test },
    to: { path: test },
  },
  {
    name: "resolvable",
    comment: "An import that leads nowhere fails at the reader's, not here.",
    severity: "error",
    from: {},
    to: { couldNotResolve: true },
  },
];

const { output } = await cruise(["runtime/src"], {
  baseDir: house,
  doNotFollow: { path: "node_modules" },
  exclude: { path: "runtime/src/[^/]+/tsconfig" },
  tsPreCompilationDeps: true,
  combinedDependencies: true,
  enhancedResolveOptions: {
    exportsFields: ["exports"],
    conditionNames: ["import", "node", "default", "types"],
    extensions: [".ts", ".js", ".json", ".d.ts"],
  },
  validate: true,
  ruleSet: {
    forbidden: [
      ...Object.entries(rooms).map(roomRule),
      ...Object.keys(rooms).map(doorRule),
      ...Object.entries(packages).map(packageRule),
      ...generalRules,
    ],
  },
});

const { violations } = output.summary;
const modules = output.modules.filter(({ source }) => source.startsWith("runtime/src/")).length;
for (const { rule, from, to } of violations) {
  const comment = output.summary.ruleSetUsed?.forbidden?.find(
    ({ name }) => name === rule.name,
  )?.comment;
  console.error(`arch: ${from} -> ${to}\n      ${rule.name}: ${comment ?? ""}`);
}
if (modules < leastModules) {
  console.error(`arch: only ${modules} modules seen, expected ${leastModules}: the check is blind`);
  process.exitCode = 1;
}
if (violations.length > 0) process.exitCode = 1;
console.log(`arch: ${modules} modules, ${violations.length} violations`);
