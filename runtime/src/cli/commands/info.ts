/**
 * Command info: describe the engine and its machine.
 *
 * Kernel interface: uname(2), sysinfo(2), by the daemon.
 * Specification: docker info reference; Engine API v1.50, SystemInfo.
 * Invariants: none.
 * Left out: swarm, plugins of the client.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { currentContext } from "../endpoint.ts";
import { binarySize } from "../human.ts";
import { printObject } from "../object-format.ts";
import { PROGRAM_VERSION } from "../program.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    {
      name: "format",
      short: "f",
      kind: "string",
      help: "'json', or a Go template such as '{{.CgroupVersion}}'",
    },
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "How many containers there are, which drivers serve them, and what the kernel below can do.",
  concepts: ["cli"],
  run,
};

/** What info shows of the API's answer; the rest is there for templates. */
interface Info {
  readonly Containers: number;
  readonly ContainersRunning: number;
  readonly ContainersPaused: number;
  readonly ContainersStopped: number;
  readonly Images: number;
  readonly ServerVersion: string;
  readonly Driver: string;
  readonly DriverStatus?: readonly (readonly [string, string])[] | null;
  readonly LoggingDriver?: string;
  readonly CgroupDriver?: string;
  readonly CgroupVersion?: string;
  readonly Plugins?: Readonly<Record<string, readonly string[] | null>>;
  readonly Swarm?: { readonly LocalNodeState?: string };
  readonly Runtimes?: Readonly<Record<string, unknown>> | null;
  readonly DefaultRuntime?: string;
  readonly InitBinary?: string;
  readonly SecurityOptions?: readonly string[] | null;
  readonly KernelVersion: string;
  readonly OperatingSystem: string;
  readonly OSType: string;
  readonly Architecture: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly Name: string;
  readonly ID: string;
  readonly DockerRootDir: string;
  readonly Debug?: boolean;
  readonly Labels?: readonly string[] | null;
  readonly ExperimentalBuild?: boolean;
  readonly LiveRestoreEnabled?: boolean;
  readonly Warnings?: readonly string[] | null;
}

async function run({ api, around, console }: Context, { flags }: Input): Promise<number> {
  const format = flags.text("format");
  const name = currentContext(around);
  const client = ["Client:", ` Version:    ${PROGRAM_VERSION}`, ` Context:    ${name}`, ""];
  if (format === "") console.out.write(`${client.join("\n")}\n`);
  const info = await api.json<Info>({ method: "GET", path: "/info" });
  if (format !== "") {
    const ClientInfo = { Version: PROGRAM_VERSION, Context: name };
    const names = { template: "", goType: "system.dockerInfo" };
    console.out.write(printObject(format, { ...info, ClientInfo }, names));
    return 0;
  }
  console.out.write(`${["Server:", ...serverLines(info)].join("\n")}\n`);
  for (const warning of info.Warnings ?? []) console.err.write(`${warning}\n`);
  return 0;
}

function serverLines(info: Info): string[] {
  return [
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ` Server Version: ${info.ServerVersion}`,
    ` Storage Driver: ${info.Driver}`,
    ...(info.DriverStatus ?? []).map(([name, value]) => `  ${name}: ${value}`),
    ...line("Logging Driver", info.LoggingDriver),
    ...line("Cgroup Driver", info.CgroupDriver),
    ...line("Cgroup Version", info.CgroupVersion),
    ...pluginLines(info),
    ...line("Swarm", info.Swarm?.LocalNodeState),
    ...line(
      "Runtimes",
      Object.keys(info.Runtimes ?? {})
        .toSorted()
        .join(" "),
    ),
    ...line("Default Runtime", info.DefaultRuntime),
    ...line("Init Binary", info.InitBinary),
    ...securityLines(info.SecurityOptions ?? []),
    ...machineLines(info),
  ];
}

function pluginLines({ Plugins = {} }: Info): string[] {
  const kinds = ["Volume", "Network", "Log"].flatMap((kind) => {
    const names = Plugins[kind] ?? [];
    return names.length === 0 ? [] : [`  ${kind}: ${names.join(" ")}`];
  });
  return kinds.length === 0 ? [] : [" Plugins:", ...kinds];
}

/** "name=seccomp,profile=builtin" becomes a name and the options below it. */
function securityLines(options: readonly string[]): string[] {
  if (options.length === 0) return [];
  const lines = options.flatMap((option) =>
    option.split(",").map((field) => {
      const [key = "", value = ""] = field.split("=");
      return key === "name"
        ? `  ${value}`
        : `   ${key.slice(0, 1).toUpperCase()}${key.slice(1)}: ${value}`;
    }),
  );
  return [" Security Options:", ...lines];
}

function machineLines(info: Info): string[] {
  return [
    ` Kernel Version: ${info.KernelVersion}`,
    ` Operating System: ${info.OperatingSystem}`,
    ` OSType: ${info.OSType}`,
    ` Architecture: ${info.Architecture}`,
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${binarySize(info.MemTotal)}`,
    ` Name: ${info.Name}`,
    ` ID: ${info.ID}`,
    ` Docker Root Dir: ${info.DockerRootDir}`,
    ` Debug Mode: ${info.Debug === true}`,
    ...((info.Labels ?? []).length === 0 ? [] : [" Labels:"]),
    ...(info.Labels ?? []).map((label) => `  ${label}`),
    ` Experimental: ${info.ExperimentalBuild === true}`,
    ` Live Restore Enabled: ${info.LiveRestoreEnabled === true}`,
    "",
  ];
}

function line(name: string, value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [` ${name}: ${value}`];
}
