/**
 * Setup: what a page wants of its playground, from a block of the language `playground`.
 *
 *     ```playground processes cgroups
 *     drydock run -d --name web busybox sleep 1000
 *     ```
 *
 * The words are the pictures that are open at first, the lines the commands that are offered.
 */
import type { PictureName } from "./pictures/index.ts";

/** What a playground begins with. */
export interface PlaygroundSetup {
  readonly pictures: readonly PictureName[];
  readonly commands: readonly string[];
  /** The concept page whose exercises are shown; undefined for those of all pages. */
  readonly page: string | undefined;
}

const NAMES: readonly PictureName[] = ["processes", "mounts", "layers", "cgroups"];

/**
 * Reads a block. @param words the words after the language @param pathname the address of the page
 * @throws Error when a word is no picture, so that the build fails
 */
export function readSetup(words: string, text: string, pathname: string): PlaygroundSetup {
  const pictures = words.split(/\s+/).flatMap((word) => {
    if (word === "") return [];
    const name = NAMES.find((each) => each === word);
    if (name === undefined) throw new Error(`a playground has no picture ${word}`);
    return [name];
  });
  const commands = text.split("\n").filter((line) => line.trim() !== "");
  const page = /\/concepts\/([^/]+)/.exec(pathname)?.[1];
  return { pictures: pictures.length === 0 ? ["processes"] : pictures, commands, page };
}
