/** One client of the Docker Engine API on a unix socket, keeping its connections alive. */
import { Agent, request } from "node:http";
import { existsSync } from "node:fs";

export class EngineClient {
  #socketPath;
  #agent = new Agent({ keepAlive: true, maxSockets: 16 });

  constructor(socketPath) {
    this.#socketPath = socketPath;
  }

  /** Sends one request; resolves to status and parsed body, throws on a status of 400 and above. */
  call(method, path, body) {
    const payload = body === undefined ? "" : JSON.stringify(body);
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const options = { socketPath: this.#socketPath, agent: this.#agent, method, path, headers };
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part) => (text += part));
        response.on("error", reject);
        response.on("end", () => {
          const { statusCode } = response;
          if (statusCode >= 400) reject(new Error(`${method} ${path}: ${statusCode} ${text}`));
          else resolve({ statusCode, body: text === "" ? null : parse(text) });
        });
      });
      sent.on("error", reject);
      sent.end(payload);
    });
  }

  /** Whether a daemon answers. */
  async answers() {
    if (!existsSync(this.#socketPath)) return false;
    return this.call("GET", "/_ping").then(
      () => true,
      () => false,
    );
  }

  /** Creates a container, starts it, waits for its exit and removes it; returns the exit code. */
  async runOnce(image, command) {
    const { body: made } = await this.call("POST", "/containers/create", {
      Image: image,
      Cmd: command,
      HostConfig: { NetworkMode: "none" },
    });
    const ended = this.call("POST", `/containers/${made.Id}/wait?condition=next-exit`);
    await this.call("POST", `/containers/${made.Id}/start`);
    const { body } = await ended;
    await this.call("DELETE", `/containers/${made.Id}`);
    return body.StatusCode;
  }

  close() {
    this.#agent.destroy();
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
