/**
 * Site: it is built, compared with the sources, and looked at in a real browser.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipped } from "../../runtime/test/daemon.ts";
import { checkBuilt, findEmbeds } from "../machinery/check-built.ts";
import { axeFaults } from "./axe.fixture.ts";
import { SiteBrowser, whyNoBrowser } from "./browser.fixture.ts";
import { describePlayground } from "./playground-browser.fixture.ts";

const house = fileURLToPath(new URL("../..", import.meta.url));
const built = join(house, "docs-site/build");

/** One page of each type. */
const PAGES = {
  "the first page": "/",
  "a concept": "/concepts/namespaces/",
  "the story": "/concepts/what-a-container-is/",
  "the start": "/concepts/how-a-container-starts/",
  "the glossary": "/glossary/",
  "the list of rooms": "/reference/",
  "a room": "/reference/namespaces/",
  "the kernel calls": "/reference/kernel-calls/",
  "the list of files": "/source/",
  "a file": "/source/runtime/src/namespaces/plan.ts/",
  "the search page": "/search/?q=namespace",
  "the playground": "/playground/",
  "a page that is not there": "/nothing/",
} as const;

beforeAll(async () => {
  // Broken links, broken anchors and stale embeds fail the build itself.
  await promisify(execFile)("npm", ["run", "--silent", "site"], { cwd: house });
});

describe("the built site", () => {
  test("every block that claims to be an embed is what the file says", () => {
    expect(findEmbeds(built).length, "the check is blind").toBeGreaterThan(5);
    expect(checkBuilt(built, house)).toEqual([]);
  });

  test("a source page links back to its concept, a concept to its files, a room to both", () => {
    const html = (path: string): string => readFileSync(join(built, path, "index.html"), "utf8");
    const file = "/source/runtime/src/namespaces/plan.ts/";
    expect(html(file)).toMatch(/href="?\/concepts\/namespaces\//);
    expect(html("/concepts/namespaces/")).toContain(file);
    expect(html("/reference/namespaces/")).toMatch(/href="?\/concepts\/namespaces\//);
    expect(html("/reference/namespaces/")).toContain(file);
  });
});

describe.skipIf(skipped("the site in a browser", whyNoBrowser()))("in a browser", () => {
  let site: SiteBrowser;
  beforeAll(async () => {
    site = await SiteBrowser.open(built);
  });
  afterAll(async () => {
    await site[Symbol.asyncDispose]();
  });

  for (const [name, path] of Object.entries(PAGES)) {
    test.concurrent(
      `${name} has no fault that axe knows, light or dark, and fits a narrow window`,
      async () => {
        const page = await site.page(path, { width: 1280, colours: "light" });
        const faults = [...(await axeFaults(page, "light"))];
        await page.emulateMedia({ colorScheme: "dark" });
        await page.waitForSelector("html[data-theme=dark]", { state: "attached" });
        faults.push(...(await axeFaults(page, "dark")));
        await page.setViewportSize({ width: 380, height: 900 });
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        await page.close();
        expect(faults).toEqual([]);
        expect(width).toBeLessThanOrEqual(380);
      },
    );
  }

  test("the keyboard alone skips to the text, searches, and opens what it found", async () => {
    const page = await site.page("/", { width: 1280, colours: "light" });
    await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Skip to main content");
    await page.keyboard.press("Control+K");
    await page.keyboard.type("whiteout", { delay: 20 });
    await page.getByText("copy-up").or(page.locator("[class*=suggestion]")).first().waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/(concepts|glossary|reference)\//);
    const shown = page.locator("main", { hasText: /whiteout/i });
    await shown.waitFor();
    expect(await shown.count()).toBe(1);
    await page.close();
  });

  test("the search leaves the focus alone when its index comes late", async () => {
    const page = await site.page("/glossary/", { width: 1280, colours: "light" });
    const focused = (): Promise<string> => page.evaluate("document.activeElement.outerHTML");
    const asked = page.waitForRequest(/search-index/);
    await page.keyboard.press("Control+K");
    await asked;
    await page.keyboard.press("Tab");
    const went = await focused();
    expect(went).toMatch(/^<(a|button)/);
    // Once it has its index it is one, and takes the focus in the same step; keys or no keys.
    const ready = page.getByRole("combobox");
    while ((await ready.count()) === 0) await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe(went);
    await page.close();
  });

  test("a link to a line marks that line", async () => {
    const line = "/source/runtime/src/namespaces/plan.ts/#L5";
    const page = await site.page(line, { width: 1280, colours: "light" });
    const colour = await page.evaluate(
      "getComputedStyle(document.querySelector('.source-line:target')).backgroundColor",
    );
    await page.close();
    expect(colour).not.toBe("rgba(0, 0, 0, 0)");
  });

  describePlayground(() => site, built);

  test("no page asked anybody but the site for anything, or met an error", () => {
    const expected = /nothing\/: Failed to load resource/;
    expect(site.complaints.filter((complaint) => !expected.test(complaint))).toEqual([]);
  });
});
