/**
 * Command port: where the ports of a container are published.
 *
 * Kernel interface: none.
 * Specification: docker port reference; Engine API v1.50, ContainerInspect, NetworkSettings.Ports.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { askNamed } from "../ambiguous.ts";
import { pathPart } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  flags: [],
  arity: [1, 2],
  interspersed: true,
  about: "Each line is a port inside and the address and port of the host that lead to it.",
  concepts: ["container"],
  completes: "running-containers",
  run,
};

interface Inspected {
  readonly Config?: { readonly ExposedPorts?: Ports<object> | null };
  readonly HostConfig?: { readonly PortBindings?: Ports<Bindings> | null };
  readonly NetworkSettings: { readonly Ports?: Ports<Bindings> | null };
}

type Ports<Of> = Readonly<Record<string, Of>>;

type Bindings = readonly { readonly HostIp: string; readonly HostPort: string }[] | null;

async function run({ api, console }: Context, { args }: Input): Promise<number> {
  const [name = "", wanted] = args;
  const path = `/containers/${pathPart(name)}/json`;
  const found = await askNamed<Inspected>(api, { method: "GET", path });
  if (wanted === undefined) {
    writeAll(console, found);
    return 0;
  }
  if (!/^\d{1,5}(\/\w+)?$/.test(wanted)) {
    throw new Failure({ message: `Error: invalid port (${wanted})`, exitCode: 1 });
  }
  const port = wanted.includes("/") ? wanted : `${wanted}/tcp`;
  const bindings = found.NetworkSettings.Ports?.[port] ?? [];
  if (bindings.length === 0) {
    throw new Failure({
      message: `Error: No public port '${wanted}' published for ${name}`,
      exitCode: 1,
      hint: unpublished(Object.hasOwn(noted(found), port) ? [port] : []),
    });
  }
  console.out.write(bindings.map((binding) => `${addressOf(binding)}\n`).join(""));
  return 0;
}

function writeAll(console: Context["console"], found: Inspected): void {
  const ports = Object.entries(found.NetworkSettings.Ports ?? {});
  const lines = ports.flatMap(([port, bindings]) =>
    (bindings ?? []).map((binding) => `${port} -> ${addressOf(binding)}\n`),
  );
  console.out.write(lines.toSorted(byPort).join(""));
  const hint = lines.length === 0 ? unpublished(Object.keys(noted(found))) : undefined;
  if (hint !== undefined) console.err.write(`${hint}\n`);
}

/** Exposed by the image or with --expose, and nobody asked to publish it. */
function noted({ Config, HostConfig }: Inspected): Ports<object> {
  const asked = HostConfig?.PortBindings ?? {};
  const exposed = Object.entries(Config?.ExposedPorts ?? {});
  return Object.fromEntries(exposed.filter(([port]) => !Object.hasOwn(asked, port)));
}

/** EXPOSE is a note in the image: people take it for more. */
function unpublished(exposed: readonly string[]): string | undefined {
  if (exposed.length === 0) return undefined;
  return (
    `Exposed, not published: ${exposed.join(", ")}. EXPOSE only notes a port; ` +
    "`run -p HOST_PORT:PORT` publishes one, -P all that are exposed."
  );
}

function addressOf({ HostIp, HostPort }: { HostIp: string; HostPort: string }): string {
  return HostIp.includes(":") ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;
}

function byPort(left: string, right: string): number {
  return Number.parseInt(left, 10) - Number.parseInt(right, 10);
}
