/**
 * Names: what a container may be called, and what it is called when nobody says.
 *
 * A name is for people: unique in one engine, free again when the container is removed. Who gives
 * none gets an adjective and the surname of somebody whose work computers rest on.
 *
 * Kernel interface: getrandom(2), through the bytes that the caller passes in.
 * Specification: Docker Engine API v1.50, ContainerCreate, "name".
 * Invariants:
 *   names-are-unique   no two containers have the same name at any time, generated or given
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

const ADJECTIVES = (
  "able agile amber ample apt attentive awake balanced blithe bold brave bright brisk bubbly " +
  "calm candid careful cheery clear clever composed constant cordial cosy crisp curious " +
  "daring deft diligent eager earnest easy elated exact fair faithful fearless festive fine " +
  "firm fluent fond frank fresh friendly frugal gallant gentle genuine gifted glad gleaming " +
  "graceful grand hardy hearty helpful honest hopeful humble humming jolly joyful just keen " +
  "kind lasting lively loyal lucid lucky mellow merry mild mindful modest neat nimble noble " +
  "open patient peaceful placid playful plucky polished prompt proud pure quick quiet radiant " +
  "rapid ready robust rosy serene sharp silent sincere sleek smart snug sober solid spry " +
  "stable steady still stout sturdy sunny sure swift tactful tender thrifty tidy tireless " +
  "tranquil true trusty upbeat valiant vivid warm watchful wise witty zealous"
).split(" ");

/** Surnames of people who built computing, and a few who measured, proved or sailed before. */
const SURNAMES = (
  "abramson allen babbage backus bartik berners_lee boole borg brooks cerf church clarke codd " +
  "conway cook cray curie dahl davies dijkstra dolby easley eckert edwards engelbart estrin " +
  "euler faggin feinler fermat feynman floyd franklin galois gauss godel goldberg granville " +
  "gray hamilton hamming hellman holberton hollerith hopper huffman ichbiah iverson jacquard " +
  "johnson joy kahn kaprekar karp kay keller kernighan kildall kilby kleinrock knuth " +
  "kolmogorov lamarr lamport leibniz licklider liskov lovelace mauchly mccarthy mccluskey " +
  "mcilroy meitner merkle metcalfe milner minsky moore morris naur neumann noether noyce " +
  "nygaard pascal perlman perlis postel rabin ramanujan ritchie rivest rosen roubine sammet " +
  "sanger shannon shockley sinoussi snyder spence stallman steele stroustrup sutherland " +
  "tanenbaum tarjan thacker thompson torvalds turing ullman vaughan wescoff wilkes wilkinson " +
  "wing wirth wozniak zuse"
)
  .split(" ")
  .map((name) => name.replace("_", ""));

/**
 * A name nobody has yet.
 *
 * @param random three bytes for each of the tries; the last resort appends digits made from them
 * @param isTaken whether a container has the name
 * @example generateName(new Uint8Array([0, 0, 0]), () => false) // "able_abramson"
 */
export function generateName(random: Uint8Array, isTaken: (name: string) => boolean): string {
  let name = "";
  for (let at = 0; at + 3 <= random.length; at += 3) {
    const adjective = ADJECTIVES[(random[at] ?? 0) % ADJECTIVES.length];
    const surname =
      SURNAMES[(((random[at + 1] ?? 0) << 8) | (random[at + 2] ?? 0)) % SURNAMES.length];
    name = `${adjective}_${surname}`;
    if (!isTaken(name)) return name;
  }
  for (let suffix = 1; ; suffix++) {
    if (!isTaken(`${name}${suffix}`)) return `${name}${suffix}`;
  }
}

/**
 * Refuses what cannot be a name, in Docker's words.
 *
 * @throws RuntimeError container-name-invalid
 * @example checkName("web1")
 */
export function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/u.test(name)) return;
  throw new RuntimeError({
    code: "container-name-invalid",
    class: "invalid",
    message: `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    operation: "name container",
    subject: name,
    hint: "Take two characters or more, the first a letter or a digit.",
  });
}

/**
 * The error for a name that somebody has.
 *
 * @param name without slash @param owner id of the container that has it
 */
export function nameTaken(name: string, owner: string): RuntimeError {
  return new RuntimeError({
    code: "container-name-taken",
    class: "conflict",
    message:
      `Conflict. The container name "/${name}" is already in use by container "${owner}". ` +
      "You have to remove (or rename) that container to be able to reuse that name.",
    operation: "name container",
    subject: name,
    hint: `drydock rm ${name} removes it, drydock rename ${name} OTHER keeps it.`,
  });
}
