/**
 * Command system dial-stdio: join standard input and output to the daemon.
 *
 * Kernel interface: read(2), write(2), shutdown(2).
 * Specification: docker system dial-stdio (hidden in docker's help).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context } from "../command.ts";
import { chooseEndpoint } from "../endpoint.ts";
import { Failure } from "../failure.ts";
import { copyBytes } from "../streams.ts";
import type { Connection } from "../transport.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "",
  flags: [],
  arity: [0, 0],
  interspersed: true,
  about:
    "For a client on another machine: with DOCKER_HOST=ssh://user@host it runs this command here and " +
    "speaks HTTP through its standard streams.",
  concepts: ["cli", "daemon"],
  run,
};

async function run({ program, around, console }: Context): Promise<number> {
  const transport = program.connect(chooseEndpoint(around));
  if (transport.dial === undefined) {
    throw new Failure({ message: "drydock: there is no connection to share here", exitCode: 1 });
  }
  const connection = await transport.dial();
  void send(console.input(), connection);
  await copyBytes(console, connection.output);
  // The daemon has closed: what the client still says reaches nobody.
  return 0;
}

async function send(input: AsyncIterable<Uint8Array>, connection: Connection): Promise<void> {
  for await (const bytes of input) await connection.write(bytes);
  connection.closeWrite();
}
