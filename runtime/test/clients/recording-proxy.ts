/**
 * Recording proxy: passes everything on between clients and a daemon, and checks each JSON answer
 * against Docker's description of its API.
 *
 * @module
 */
import { createServer, request, type IncomingMessage, type Server } from "node:http";
import { createConnection, type Socket } from "node:net";
import { checkAnswer, whyNoSchema } from "../schema.fixture.ts";

/** A proxy that listens. */
export interface RecordingProxy {
  /** DOCKER_HOST of whoever shall be recorded. */
  readonly host: string;
  /** The first fault of each kind of answer that was heard, by route and status; null: none. */
  readonly heard: () => ReadonlyMap<string, string | null>;
  close(): void;
}

/** Makes a proxy at a socket of its own. */
export async function openProxy(daemonSocket: string, ownSocket: string): Promise<RecordingProxy> {
  const heard = new Map<string, string | null>();
  const record = (asked: IncomingMessage, status: number, body: string): void => {
    const found = checkAnswer(asked.method ?? "", asked.url ?? "", status, body);
    if (found === null) return;
    const key = `${found.route} ${status}`;
    heard.set(key, heard.get(key) ?? found.faults[0] ?? null);
  };
  const server = createServer((asked, answer) => {
    const { method, url: path, headers } = asked;
    const onward = request({ socketPath: daemonSocket, method, path, headers }, (response) => {
      const status = response.statusCode ?? 502;
      answer.writeHead(status, response.headers);
      // Streams flush their head before there is anything to say.
      answer.flushHeaders();
      const type = response.headers["content-type"] ?? "";
      const isJson = type.startsWith("application/json") && method !== "HEAD";
      const chunks: Uint8Array[] = [];
      response.on("data", (chunk: Uint8Array) => isJson && chunks.push(chunk));
      response.on("end", () => {
        if (isJson && whyNoSchema() === null) {
          record(asked, status, Buffer.concat(chunks).toString());
        }
      });
      response.pipe(answer);
      answer.on("close", () => response.destroy());
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
    answer.on("close", () => onward.destroy());
  });
  server.on("upgrade", (asked, socket, head) =>
    tunnel(daemonSocket, asked, socket as Socket, head),
  );
  server.on("connection", (socket) => socket.on("error", () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(ownSocket, resolve));
  return {
    host: `unix://${ownSocket}`,
    heard: () => heard,
    close: () => closeAll(server),
  };
}

function closeAll(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** After an upgrade, bytes go both ways, and each way ends alone. */
function tunnel(path: string, asked: IncomingMessage, client: Socket, head: Uint8Array): void {
  const daemon = createConnection({ path, allowHalfOpen: true });
  const lines: string[] = [];
  for (let at = 0; at < asked.rawHeaders.length; at += 2) {
    lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
  }
  daemon.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  daemon.write(head);
  client.pipe(daemon);
  daemon.pipe(client);
  for (const socket of [client, daemon]) {
    socket.on("error", () => {
      client.destroy();
      daemon.destroy();
    });
  }
}
