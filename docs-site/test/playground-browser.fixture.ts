/**
 * Playground in a browser: tests of the page, for `site.test.ts`, which has built the site.
 *
 * Nothing here uses a pointer but where it says so: who has only a keyboard must be able to do it.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { axeFaults } from "./axe.fixture.ts";
import type { SiteBrowser, View } from "./browser.fixture.ts";

const WIDE: View = { width: 1440, colours: "light" };
/** What shows one part of the machine, as a drawing or a table. */
const PANE = ".pg-pane";
const SCRIPT_BYTES_MAX = 1_500_000;
const RUN = "drydock run -d --name web -m 64m busybox sleep 1000";

/** A page whose playground has started. */
async function openPlayground(site: SiteBrowser, path: string, view: View): Promise<Page> {
  const page = await site.page(path, view);
  await page.locator(".pg-place").first().scrollIntoViewIfNeeded();
  await page.waitForSelector(".pg[data-ready] .xterm-accessibility-tree");
  await expect.poll(() => terminalText(page), { timeout: PATIENCE_MS }).toMatch(/[#$] *$/);
  return page;
}

async function terminalText(page: Page): Promise<string> {
  const rows = await page.locator(".xterm-accessibility-tree > *").allTextContents();
  return rows
    .map((row) => row.replaceAll("\u00a0", " ").trimEnd())
    .join("\n")
    .trimEnd();
}

/** Presses Tab until a selector has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    const isThere = await page.evaluate<boolean>(
      `document.activeElement.matches(${JSON.stringify(selector)})`,
    );
    if (isThere) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${selector}`);
}

/** Types a command into the terminal, which has the focus, and waits for what it prints. */
async function enter(page: Page, command: string, shown: RegExp): Promise<void> {
  await page.keyboard.type(command, { delay: 5 });
  await page.keyboard.press("Enter");
  await expect.poll(() => terminalText(page), { timeout: PATIENCE_MS }).toMatch(shown);
}

/** Also on a machine that has other work. */
const PATIENCE_MS = 30_000;

function picture(page: Page, label: string): ReturnType<Page["locator"]> {
  return page.getByRole("region", { name: new RegExp(`^Picture \\d: ${label}$`) }).first();
}

/** All scripts that a page has loaded. */
async function scriptsOf(page: Page): Promise<readonly string[]> {
  const names = await page.evaluate<readonly string[]>(
    "performance.getEntriesByType('resource').map(({ name }) => name)",
  );
  return names.map((name) => new URL(name).pathname).filter((name) => name.endsWith(".js"));
}

/** The tests. @param open gives the browser once it runs @param built where the site was built */
export function describePlayground(open: () => SiteBrowser, built: string): void {
  describe("the playground", () => {
    test("a container is started, seen, and stepped away from, by keyboard alone", async () => {
      const page = await openPlayground(open(), "/playground/", WIDE);
      await tabTo(page, ".xterm-helper-textarea");
      await enter(page, RUN, /[0-9a-f]{12}[\s\S]*[#$]$/);
      await enter(page, "drydock ps --format {{.Names}}", /\nweb\n[\s\S]*[#$]$/);
      const sleeping = picture(page, "Processes").locator(".pg-box .pg-box", { hasText: "sleep" });
      await sleeping.waitFor();
      await picture(page, "Cgroups").getByText("of 64 MiB").waitFor();

      await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
      await tabTo(page, "[role=listbox]");
      const count = await page.locator(".pg-count").innerText();
      for (let steps = 0; steps < 400 && (await sleeping.count()) > 0; steps += 1) {
        await page.keyboard.press("ArrowUp");
      }
      expect(await sleeping.count()).toBe(0);
      expect(await page.locator(".pg-count").innerText()).not.toBe(count);
      await page.keyboard.press("Home");
      expect(await picture(page, "Cgroups").getByText("of 64 MiB").count()).toBe(0);
      await page.keyboard.press("End");
      await sleeping.waitFor();
      await page.close();
    });

    test("a call leads to the line that made it, and to the page about it", async () => {
      const page = await openPlayground(open(), "/playground/", WIDE);
      const line = page.locator(".pg-one-call a[href*='/source/runtime/src/']");
      const [path = "", anchor = ""] = ((await line.getAttribute("href")) ?? "").split("#");
      const html = readFileSync(join(built, path, "index.html"), "utf8");
      expect(html).toMatch(new RegExp(`id="?${anchor}[" >]`));
      const about = page.locator(".pg-one-call a[href*='/concepts/']");
      expect(
        readFileSync(join(built, (await about.getAttribute("href")) ?? "", "index.html")),
      ).not.toHaveLength(0);
      await page.close();
    });

    for (const colours of ["light", "dark"] as const) {
      test.concurrent(`drawings and tables have no fault that axe knows, ${colours}`, async () => {
        const page = await openPlayground(open(), "/playground/", { ...WIDE, colours });
        // A mark that fades is looked at before or after, not half-way.
        await page.emulateMedia({ reducedMotion: "reduce" });
        await tabTo(page, ".xterm-helper-textarea");
        await enter(page, RUN, /[0-9a-f]{12}[\s\S]*[#$]$/);
        const faults = [...(await axeFaults(page, `${colours}, drawn`))];
        for (const name of ["Layers", "Mounts", "Cgroups", "Processes"]) {
          await page.getByRole("tab", { name }).first().click();
          faults.push(...(await axeFaults(page, `${colours}, ${name}`, PANE)));
          await page.getByRole("button", { name: "Table" }).first().click();
          expect(await page.locator(PANE).first().locator("tbody tr").count()).toBeGreaterThan(0);
          faults.push(...(await axeFaults(page, `${colours}, table of ${name}`, PANE)));
          await page.getByRole("button", { name: "Table" }).first().click();
        }
        await page.setViewportSize({ width: 380, height: 900 });
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        await page.close();
        expect(faults).toEqual([]);
        expect(width).toBeLessThanOrEqual(380);
      });
    }

    test("its script is small, and no other page loads it", async () => {
      const page = await openPlayground(open(), "/playground/", WIDE);
      const readyMs = await page.evaluate<number>(
        "performance.getEntriesByName('playground-ready')[0].startTime",
      );
      const scripts = await scriptsOf(page);
      await page.close();
      expect(scripts).toContain("/playground-machine/machine.js");
      const sizes = scripts.map((name) => gzipSync(readFileSync(join(built, name))).length);
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      console.info(`playground: ready ${Math.round(readyMs)} ms after it was asked for,`);
      console.info(`  ${scripts.length} scripts of ${Math.round(bytes / 1000)} kB, compressed`);
      expect(bytes).toBeLessThan(SCRIPT_BYTES_MAX);

      const other = await open().page("/concepts/logs/", WIDE);
      const others = await scriptsOf(other);
      await other.close();
      expect(others.filter((name) => name.includes("playground-machine"))).toEqual([]);
    });

    test("on a concept page a press types the command, and its exercise is ticked", async () => {
      const page = await openPlayground(open(), "/concepts/cgroups/", WIDE);
      await page.getByRole("button", { name: /Run drydock run -d --name small/ }).press("Enter");
      await picture(page, "Cgroups").getByText("of 64 MiB").waitFor();
      await page.locator(".pg-exercise-done", { hasText: "at most 20 processes" }).waitFor();
      await page.close();
    });

    test("an example runs at a press, and its last call leads to its line", async () => {
      const page = await openPlayground(open(), "/concepts/eight-steps/", WIDE);
      await page.getByRole("button", { name: /Run example 05/ }).press("Enter");
      await expect
        .poll(() => terminalText(page), { timeout: PATIENCE_MS })
        .toMatch(/has: bin proc\n/);
      await page.getByRole("option", { name: /child execve/ }).waitFor();
      await page.locator(".pg-one-call a[href*='/source/examples/shell.ts']").waitFor();
      await page.close();
    });

    test("nothing moves for who wants no motion", async () => {
      const page = await openPlayground(open(), "/playground/", WIDE);
      await tabTo(page, ".xterm-helper-textarea");
      await enter(page, RUN, /[0-9a-f]{12}[\s\S]*[#$]$/);
      const moving = await page.evaluate<number>(
        "document.querySelector('.pg').getAnimations({ subtree: true }).length",
      );
      await page.close();
      expect(moving).toBe(0);
    });
  });
}
