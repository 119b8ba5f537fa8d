/**
 * Command version: the versions of client and daemon.
 *
 * Kernel interface: uname(2), by the daemon.
 * Specification: docker version reference; Engine API v1.50, SystemVersion.
 * Invariants: none.
 * Left out: contexts.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { API_VERSION } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { printObject } from "../object-format.ts";
import { PROGRAM_VERSION } from "../program.ts";
import { layOut } from "../table.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    {
      name: "format",
      short: "f",
      kind: "string",
      help: "'json', or a Go template such as '{{.Server.Version}}'",
    },
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "Two programs: this client, and the daemon that does the work. They speak the Docker Engine API, " +
    "so either may be exchanged for Docker's own.",
  concepts: ["cli"],
  run,
};

interface Component {
  readonly Name: string;
  readonly Version: string;
  readonly Details?: Readonly<Record<string, string>> | null;
}

interface ServerVersion {
  readonly Platform?: { readonly Name: string };
  readonly Components?: readonly Component[] | null;
  readonly Version: string;
  readonly ApiVersion: string;
  readonly MinAPIVersion?: string;
  readonly GitCommit?: string;
  readonly GoVersion?: string;
  readonly Os: string;
  readonly Arch: string;
  readonly BuildTime?: string;
  readonly Experimental?: boolean;
}

async function run({ api, console }: Context, { flags }: Input): Promise<number> {
  const asked = api.json<ServerVersion>({ method: "GET", path: "/version" });
  // The client's half is told even when nobody answers; the failure is told after it.
  const Server = await asked.catch(() => undefined);
  const Client = {
    Version: PROGRAM_VERSION,
    ApiVersion: api.version(),
    DefaultAPIVersion: API_VERSION,
    Context: "default",
  };
  const format = flags.text("format");
  if (format === "") {
    console.out.write(clientText(Client) + (Server === undefined ? "" : `\n${serverText(Server)}`));
  } else {
    const names = { template: "version", goType: "system.versionInfo" };
    console.out.write(printObject(format, { Client, Server: Server ?? null }, names));
  }
  await asked;
  return 0;
}

const LAYOUT = { minimumWidth: 20, padding: 1 };

function clientText(client: {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
}): string {
  const api =
    client.ApiVersion === client.DefaultAPIVersion
      ? client.ApiVersion
      : `${client.ApiVersion} (downgraded from ${client.DefaultAPIVersion})`;
  return layOut(`Client: Drydock\n Version:\t${client.Version}\n API version:\t${api}\n`, LAYOUT);
}

function serverText(server: ServerVersion): string {
  const platform = server.Platform?.Name ?? "";
  const components =
    server.Components === undefined || server.Components === null || server.Components.length === 0
      ? [{ Name: "Engine", Version: server.Version, Details: detailsOf(server) }]
      : server.Components;
  const blocks = components.map((component) => {
    const lines = Object.entries(shownDetails(component)).map(
      ([name, value]) => `  ${name}:\t${value}\n`,
    );
    return ` ${component.Name}:\n${lines.join("")}`;
  });
  return layOut(`Server:${platform === "" ? "" : ` ${platform}`}\n${blocks.join("")}`, LAYOUT);
}

function detailsOf(server: ServerVersion): Record<string, string> {
  return {
    ApiVersion: server.ApiVersion,
    MinAPIVersion: server.MinAPIVersion ?? "",
    Os: server.Os,
    Arch: server.Arch,
  };
}

/** A moment in ISO 8601 as Docker shows it: "Thu May  7 21:09:36 2026". */
function builtText(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT/.test(text)) return text;
  const [weekday, day = "", month, year, time] = new Date(text).toUTCString().split(/,? /);
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}

/** The engine's lines as Docker orders them; any other component's as they come. */
function shownDetails({ Name, Version, Details }: Component): Record<string, string> {
  const details = Details ?? {};
  if (Name !== "Engine") return { Version, ...details };
  const lines: Record<string, string | undefined> = {
    Version,
    "API version": `${details["ApiVersion"] ?? ""} (minimum version ${details["MinAPIVersion"] ?? ""})`,
    "Go version": details["GoVersion"],
    "Node version": details["NodeVersion"],
    "Git commit": details["GitCommit"],
    Built: builtText(details["BuildTime"]),
    "OS/Arch": `${details["Os"] ?? ""}/${details["Arch"] ?? ""}`,
    "Kernel version": details["KernelVersion"],
    Experimental: details["Experimental"],
  };
  return Object.fromEntries(
    Object.entries(lines).flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[name, value]],
    ),
  );
}
