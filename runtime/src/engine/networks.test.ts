import { expect, test } from "vitest";
import { PLAIN_HOST_CONFIG } from "../container/plan.fixture.ts";
import { endpoints, hostsFile, networkWarnings, resolvConf } from "./networks.ts";

test("hostsFile() names the container itself, then what --add-host adds", () => {
  const text = hostsFile(
    "web",
    { ...PLAIN_HOST_CONFIG, ExtraHosts: ["db:10.0.0.2", "v6:::1"] },
    "",
  );
  expect(text).toMatch(/^127\.0\.0\.1\tlocalhost web\n/);
  expect(text).toMatch(/\n10\.0\.0\.2\tdb\n::1\tv6\n$/);
  expect(hostsFile("web", PLAIN_HOST_CONFIG, "1.2.3.4 x\n\n")).toBe("1.2.3.4 x\n");
});

test("resolvConf() keeps the host's lines but for those that the request replaces", () => {
  const host = "# comment\nnameserver 10.0.0.1\nsearch lan\noptions ndots:1\nsortlist x\n";
  expect(resolvConf(host, PLAIN_HOST_CONFIG)).toBe(
    "nameserver 10.0.0.1\nsearch lan\noptions ndots:1\n",
  );
  const own = { ...PLAIN_HOST_CONFIG, Dns: ["1.1.1.1"], DnsSearch: ["."], DnsOptions: ["a", "b"] };
  expect(resolvConf(host, own)).toBe("nameserver 1.1.1.1\noptions a b\n");
});

test("networkWarnings() says that published ports are not, and what to do instead", () => {
  expect(networkWarnings(PLAIN_HOST_CONFIG)).toEqual([]);
  const PortBindings = { "80/tcp": [], "8080/tcp": [{ HostIp: "", HostPort: "8888" }] };
  const [warning] = networkWarnings({ ...PLAIN_HOST_CONFIG, PortBindings });
  expect(warning).toMatch(/^--publish of some port of this machine to 80\/tcp of the container, /);
  expect(warning).toMatch(/port 8888 of this machine to 8080\/tcp of the container has no effect/);
  expect(warning).toMatch(/--network host serves it/);
  const onHost = { ...PLAIN_HOST_CONFIG, PortBindings, NetworkMode: "host" };
  expect(networkWarnings(onHost)).toEqual([
    "Published ports are discarded when using host network mode",
  ]);
});

test("endpoints() shows the default network as bridge, and none for a shared one", () => {
  const shown = (NetworkMode: string) =>
    Object.keys(endpoints({ ...PLAIN_HOST_CONFIG, NetworkMode }));
  expect(shown("default")).toEqual(["bridge"]);
  expect(shown("host")).toEqual(["host"]);
  expect(shown("container:web")).toEqual([]);
});
