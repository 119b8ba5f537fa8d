/**
 * What test suites do through testcontainers: prints one JSON line for each scenario.
 *
 * A program of its own, since the library reads its surroundings when it is loaded. Nothing is
 * published: there are no networks to publish in yet.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { GenericContainer, Wait, type StartedTestContainer } from "testcontainers";
import { runAll } from "./scenario.ts";

interface Scenario {
  readonly name: string;
  readonly quick?: true;
  readonly run: () => Promise<void>;
}

const FOREVER = ["sh", "-c", "echo ready; trap exit TERM; while :; do sleep 0.1; done"];

/** A container that says when it is ready. */
function box(): GenericContainer {
  return new GenericContainer("busybox")
    .withCommand(FOREVER)
    .withNetworkMode("none")
    .withWaitStrategy(Wait.forLogMessage("ready"));
}

/** Starts one for as long as something is done with it. */
async function withStarted(
  wanted: GenericContainer,
  work: (container: StartedTestContainer) => Promise<void>,
): Promise<void> {
  const container = await wanted.start();
  try {
    await work(container);
  } finally {
    await container.stop({ timeout: 1000 });
  }
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "start, wait for a line of the log, exec, stop",
    quick: true,
    run: () =>
      withStarted(box(), async (container) => {
        const { exitCode, output, stderr } = await container.exec(["sh", "-c", "echo a; exit 3"]);
        assert.deepEqual([exitCode, output, stderr], [3, "a\n", ""]);
        const logs = await container.logs({ tail: 1 });
        logs.once("data", () => logs.destroy());
        assert.match(container.getId(), /^[0-9a-f]{64}$/);
        assert.match(container.getName(), /^\/\w+$/);
      }),
  },
  {
    name: "environment, labels, user, directory, host name, files in memory",
    quick: true,
    run: () =>
      withStarted(
        box()
          .withEnvironment({ A: "b" })
          .withLabels({ mine: "yes" })
          .withUser("7:8")
          .withWorkingDir("/tmp")
          .withHostname("box")
          .withTmpFs({ "/mem": "rw,size=1m,mode=1777" }),
        async (container) => {
          const script = "echo $A; id -u; pwd; hostname; echo x > /mem/y && cat /mem/y";
          const { output } = await container.exec(["sh", "-c", script]);
          assert.equal(output, "b\n7\n/tmp\nbox\nx\n");
          assert.equal(container.getLabels()["mine"], "yes");
        },
      ),
  },
  {
    name: "limits and rights: memory, cpu, ulimits, shared memory, capabilities, read-only mounts",
    run: async () => {
      const directory = mkdtempSync(join(tmpdir(), "drydock-tc-"));
      writeFileSync(join(directory, "file"), "outside\n");
      const wanted = box()
        .withResourcesQuota({ memory: 0.0625, cpu: 0.5 })
        .withUlimits({ nofile: { hard: 200, soft: 100 } })
        .withSharedMemorySize(8 << 20)
        .withAddedCapabilities("NET_ADMIN")
        .withDroppedCapabilities("CHOWN")
        .withBindMounts([{ source: directory, target: "/in", mode: "ro" }]);
      try {
        await withStarted(wanted, async (container) => {
          const script =
            "ulimit -n; df -k /dev/shm | tail -1 | awk '{print $2}'; cat /in/file; " +
            "chown 1 /tmp 2>/dev/null || echo no";
          const { output } = await container.exec(["sh", "-c", script]);
          assert.equal(output, "100\n8192\noutside\nno\n");
        });
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  },
  {
    name: "files in before the start and while it runs, files out",
    run: () =>
      withStarted(
        box().withCopyContentToContainer([{ content: "before", target: "/before", mode: 0o600 }]),
        async (container) => {
          await container.copyContentToContainer([{ content: "while", target: "/tmp/while" }]);
          const { output } = await container.exec([
            "sh",
            "-c",
            "cat /before /tmp/while; stat -c %a /before",
          ]);
          assert.equal(output, "beforewhile600\n");
          const archive = await buffer(await container.copyArchiveFromContainer("/before"));
          assert.ok(archive.includes("before"));
        },
      ),
  },
  {
    name: "wait for a health check, for a command, for the end",
    run: async () => {
      const healthy = box()
        .withHealthCheck({ test: ["CMD-SHELL", "test -e /tmp"], interval: 200, retries: 5 })
        .withWaitStrategy(Wait.forHealthCheck());
      await withStarted(healthy, async () => undefined);
      const command = Wait.forSuccessfulCommand("test -e /etc/passwd");
      await withStarted(box().withWaitStrategy(command), async () => undefined);
      const once = new GenericContainer("busybox")
        .withCommand(["sh", "-c", "echo done"])
        .withNetworkMode("none")
        .withWaitStrategy(Wait.forOneShotStartup());
      await withStarted(once, async (container) => {
        assert.equal(await text(await container.logs()), "done\n");
      });
    },
  },
  {
    name: "a start that is not ready in time fails and leaves nothing",
    run: async () => {
      const never = box().withWaitStrategy(Wait.forLogMessage("never")).withStartupTimeout(500);
      await assert.rejects(never.start(), /not received after 500ms/);
    },
  },
  {
    name: "restart; an image that does not exist",
    run: async () => {
      await withStarted(box(), async (container) => {
        await container.exec(["touch", "/tmp/kept"]);
        await container.restart({ timeout: 1000 });
        assert.equal((await container.exec(["ls", "/tmp/kept"])).exitCode, 0);
      });
      await assert.rejects(new GenericContainer("no-such-image").start(), /pull access denied/);
    },
  },
];

const chosen = SCENARIOS.filter(({ quick }) => quick === true || !process.argv.includes("--quick"));
for (const scenario of chosen) {
  const [outcome] = await runAll([scenario], ({ run }) => run());
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
}
process.exit(0);
