import { expect, test } from "vitest";
import { runCommandLine } from "./program.fixture.ts";

const ID = "0123456789ab".padEnd(64, "0");

const config = {
  Image: "app:1",
  Hostname: "0123456789ab",
  AttachStdout: true,
  AttachStderr: true,
  Env: ["PATH=/bin", "LEVEL=2", "MODE=a b"],
  Cmd: ["serve"],
  Entrypoint: ["/start"],
  WorkingDir: "/srv",
  Labels: { maker: "us", mine: "1" },
  ExposedPorts: { "80/tcp": {}, "9000/tcp": {} },
  Healthcheck: { Test: ["CMD", "curl", "x"] },
};

const imageConfig = {
  Env: ["PATH=/bin", "LEVEL=1"],
  Cmd: ["serve"],
  Entrypoint: ["/start"],
  WorkingDir: "/srv",
  Labels: { maker: "us" },
  ExposedPorts: { "80/tcp": {} },
};

const hostConfig = {
  NetworkMode: "bridge",
  Memory: 64 << 20,
  MemorySwap: 128 << 20,
  CgroupnsMode: "private",
  ShmSize: 64 << 20,
  Runtime: "drydock",
  LogConfig: { Type: "json-file", Config: {} },
  MaskedPaths: ["/proc/kcore"],
  SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'],
};

const api =
  (image: unknown) =>
  ({ path }: { readonly path: string }) => {
    if (path === "/containers/web/json") {
      const found = {
        Id: ID,
        Name: "/web",
        Image: "sha256:1",
        Config: config,
        HostConfig: hostConfig,
      };
      return { json: found };
    }
    if (path === "/info") return { json: { CgroupVersion: "2" } };
    return path === "/images/sha256:1/json" && image !== null
      ? { json: { Config: image } }
      : undefined;
  };

test("inspect --as-run says what neither image nor engine say, and warns of what no flag says", async () => {
  const ran = await runCommandLine(["inspect", "--as-run", "web"], api(imageConfig));
  expect(ran.out).toBe(
    "drydock run --name web --env LEVEL=2 --env 'MODE=a b' --label mine=1 --expose 9000/tcp " +
      "--memory 64m app:1\n",
  );
  expect(ran.err).toBe(
    "WARNING: No flag says a health check without a shell: curl x\n" +
      "WARNING: Its seccomp profile came from a file of which only the content is known.\n",
  );
});

test("inspect --as-run says everything where the image is gone", async () => {
  const { out } = await runCommandLine(["container", "inspect", "--as-run", "web"], api(null));
  expect(out).toContain("--env PATH=/bin ");
  expect(out).toMatch(/ --entrypoint \/start app:1 serve\n$/);
});

test("inspect --as-run of what is not there fails", async () => {
  const ran = await runCommandLine(["inspect", "--as-run", "nobody"], api(null));
  expect(ran.code).toBe(1);
  expect(ran.err).toContain("No such thing");
});

test("inspect --as-compose says the same to compose, each text as a text", async () => {
  const words = ["inspect", "--as-compose", "web"];
  const ran = await runCommandLine(words, api({ ...imageConfig, Env: [], WorkingDir: "$x" }));
  expect(ran.out).toBe(
    [
      "# drydock inspect --as-compose web",
      "services:",
      "  web:",
      "    image: app:1",
      "    container_name: web",
      "    working_dir: /srv",
      "    environment:",
      "      - PATH=/bin",
      "      - LEVEL=2",
      "      - MODE=a b",
      "    labels:",
      "      - mine=1",
      "    expose:",
      "      - 9000/tcp",
      "    mem_limit: 64m",
      "    healthcheck:",
      "      test:",
      "        - CMD",
      "        - curl",
      "        - x",
      "    network_mode: bridge",
      "",
    ].join("\n"),
  );
  expect(ran.err).toBe(
    "WARNING: Its seccomp profile came from a file of which only the content is known.\n",
  );
});
