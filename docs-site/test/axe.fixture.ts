/**
 * Axe: what a machine can tell of how a page is for those who do not see it.
 *
 * @module
 */
import axe from "axe-core";
import type { Page } from "playwright-core";

/** What axe found, with a picture of where. */
interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/**
 * The faults of a page, one line or more each.
 *
 * @param where what each begins with
 * @param part by default all of the page; a selector: only what is in that, which takes less time
 */
export async function axeFaults(
  page: Page,
  where: string,
  part = "html",
): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  // What is in order is not described: on a long page that is most of the work.
  const run = `axe.run("${part}", { resultTypes: ["violations"] })`;
  const { violations } = await page.evaluate<AxeResult>(run);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${where}, ${id}: ${html}\n${failureSummary}`),
  );
}
