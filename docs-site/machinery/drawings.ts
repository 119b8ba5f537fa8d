/**
 * Drawings: what is drawn in a page with characters is said in words as well.
 *
 * A reader who hears the page gets nothing from lines and arrows. So every block of the language
 * `text` that is not output of a command is followed by a paragraph that begins with `_In words:_`.
 * The block is shown as a picture with these words as its caption; without them the build fails.
 *
 * @module
 */

/** A block, what its info line says after the language, and a paragraph in words if there is one. */
const BLOCK =
  /^```text(?<marks>[^\n]*)\n(?<drawn>[\s\S]*?)^```\n(?:\n_In words:_ (?<words>[\s\S]+?)\n(?=\n|$(?![\s\S])))?/gm;

/**
 * Puts the words of each drawing into its info line, where the theme finds them.
 *
 * @throws Error when a drawing has no words
 */
export function captionDrawings(markdown: string, page: string): string {
  return markdown.replace(BLOCK, (whole, ...found) => {
    const { marks, drawn, words } = found.at(-1) as Record<string, string | undefined>;
    if (/\boutput\b/.test(marks ?? "")) return whole;
    if (words === undefined) {
      const first = (drawn ?? "").split("\n", 1)[0];
      throw new Error(`${page}: a drawing has no paragraph "_In words:_" below it: ${first}`);
    }
    const caption = encodeURIComponent(words.replaceAll("\n", " "));
    return `\`\`\`text drawing=${caption}\n${drawn}\`\`\`\n`;
  });
}

/** The words of a drawing from its info line; null when the block is none. */
export function wordsOf(infoLine: string | undefined): string | null {
  const words = /(?:^|\s)drawing=(\S+)/.exec(infoLine ?? "")?.[1];
  return words === undefined ? null : decodeURIComponent(words);
}
