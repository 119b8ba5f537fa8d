/**
 * Browser: the built site, served on a port of its own, in a real headless Chromium.
 *
 * Chromium comes from the system (Debian's package `chromium`); where it is missing, tests skip
 * themselves and say so. Nothing is fetched from anywhere but the site itself: no other name has an
 * address here, and a request for one is told to the test.
 *
 * @module
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

/** Why no page can be looked at here, or null. */
export function whyNoBrowser(): string | null {
  if (CHROMIUM.some((path) => existsSync(path))) return null;
  return "there is no Chromium; on Debian: apt-get install chromium";
}

/** How a page is shown. */
export interface View {
  readonly width: number;
  readonly colours: "light" | "dark";
}

/** A served site and a browser to look at it. */
export class SiteBrowser implements AsyncDisposable {
  readonly #browser: Browser;
  readonly #server: ReturnType<typeof createServer>;
  readonly origin: string;
  /** Requests that left the site, and errors that pages printed. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser, server: ReturnType<typeof createServer>) {
    this.#browser = browser;
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Serves a directory and starts Chromium. */
  static async open(directory: string): Promise<SiteBrowser> {
    const server = createServer((request, response) => {
      const path = normalize(new URL(request.url ?? "/", "http://site").pathname);
      const named = join(directory, decodeURIComponent(path));
      const isFolder = existsSync(named) && statSync(named).isDirectory();
      const asked = isFolder ? join(named, "index.html") : named;
      const found = existsSync(asked);
      const file = found ? asked : join(directory, "404.html");
      response.writeHead(found ? 200 : 404, { "Content-Type": TYPES[extname(file)] ?? "" });
      response.end(readFileSync(file));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const browser = await chromium.launch({
      executablePath: CHROMIUM.find((path) => existsSync(path)) ?? "",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      ],
    });
    return new SiteBrowser(browser, server);
  }

  /** Opens a page of the site; it must be closed by the caller. */
  async page(path: string, { width, colours }: View): Promise<Page> {
    const page = await this.#browser.newPage({
      viewport: { width, height: 900 },
      colorScheme: colours,
      reducedMotion: "reduce",
    });
    page.on("request", (request) => {
      const url = request.url();
      if (url.startsWith(this.origin) || /^(?:data|blob):/.test(url)) return;
      this.complaints.push(`${path} asks for ${url}`);
    });
    page.on("pageerror", (error) => this.complaints.push(`${path}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`${path}: ${message.text()}`);
    });
    await page.goto(this.origin + path, { waitUntil: "load" });
    await page.waitForSelector("html[data-has-hydrated=true]", { state: "attached" });
    return page;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
