"""docker-py: what Python programs do with containers.

Prints one JSON object a line: {"name", "result", "why"}. `--quick` leaves out the slow ones.
"""

import io
import json
import sys
import tarfile
import threading
import time

import docker
from docker.errors import APIError, ContainerError, ImageNotFound, NotFound

SCENARIOS = []


def scenario(name, quick=False):
    def add(function):
        SCENARIOS.append((name, quick, function))
        return function

    return add


def must_fail(kind, status, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        if status is not None:
            assert error.response.status_code == status, error
        return error
    raise AssertionError("was not refused")


class Bench:
    """A client whose containers are removed at the end of each scenario."""

    def __init__(self):
        self.client = docker.from_env(timeout=25)
        self.made = []

    def create(self, command, image="busybox", **options):
        container = self.client.containers.create(image, command, **options)
        self.made.append(container)
        return container

    def start(self, command, **options):
        container = self.create(command, **options)
        container.start()
        return container

    def close(self):
        for container in self.made:
            try:
                container.remove(force=True, v=True)
            except APIError:
                pass
        self.client.close()


@scenario("containers.run returns the output, and throws on a bad end", quick=True)
def run(bench):
    assert bench.client.containers.run("busybox", ["echo", "hi"], remove=True) == b"hi\n"
    error = must_fail(
        ContainerError, None, bench.client.containers.run, "busybox", ["sh", "-c", "echo no >&2; exit 3"], remove=True
    )
    assert error.exit_status == 3 and error.stderr == b"no\n", error
    must_fail(ImageNotFound, 404, bench.client.containers.create, "no/such", "true")


@scenario("create, start, wait, logs, remove", quick=True)
def life(bench):
    container = bench.create(["sh", "-c", "echo out; echo err >&2; exit 4"])
    assert container.status == "created"
    container.start()
    assert container.wait()["StatusCode"] == 4
    assert container.logs(stderr=False) == b"out\n"
    assert container.logs(stdout=False) == b"err\n"
    container.reload()
    assert container.status == "exited" and container.attrs["State"]["ExitCode"] == 4
    container.remove()
    must_fail(NotFound, 404, container.reload)


@scenario("exec_run: output, both outputs apart, exit code, stream, socket", quick=True)
def execs(bench):
    container = bench.start(["sleep", "100"])
    assert container.exec_run(["echo", "hi"]) == (0, b"hi\n")
    code, parts = container.exec_run(["sh", "-c", "echo o; echo e >&2; exit 6"], demux=True)
    assert (code, parts) == (6, (b"o\n", b"e\n")), (code, parts)
    _, stream = container.exec_run(["seq", "3"], stream=True)
    assert b"".join(stream) == b"1\n2\n3\n"
    environment = container.exec_run(["sh", "-c", "echo $A; pwd; id -u"], environment={"A": "b"}, workdir="/tmp", user="9")
    assert environment.output == b"b\n/tmp\n9\n", environment
    _, socket = container.exec_run("cat", stdin=True, socket=True, tty=True)
    socket._sock.sendall(b"typed\n")
    assert b"typed" in socket._sock.recv(100)
    socket.close()


@scenario("attach: the output as it comes, and input through a socket", quick=True)
def attach(bench):
    container = bench.create(["sh", "-c", "read line; echo got $line"], stdin_open=True)
    socket = container.attach_socket(params={"stdin": 1, "stream": 1})
    container.start()
    socket._sock.sendall(b"this\n")
    container.wait()
    socket.close()
    assert container.logs() == b"got this\n", container.logs()
    second = bench.create(["sh", "-c", "echo a; sleep 0.3; echo b"])
    stream = second.attach(stream=True, logs=True)
    second.start()
    assert b"".join(stream) == b"a\nb\n"


@scenario("stop, kill, restart, pause, rename", quick=True)
def signals(bench):
    container = bench.start(["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done"])
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.restart(timeout=1)
    time.sleep(0.3)
    container.stop(timeout=5)
    assert container.wait()["StatusCode"] in (3, 143)
    must_fail(APIError, 409, container.kill)
    container.rename("py-renamed")
    container.reload()
    assert container.name == "py-renamed"
    container.start()
    container.kill("KILL")
    assert container.wait()["StatusCode"] == 137


@scenario("list with filters", quick=True)
def listing(bench):
    first = bench.start(["sleep", "100"], labels={"py": "list"})
    second = bench.create("true", labels={"py": "list"})
    names = lambda **filters: [each.id for each in bench.client.containers.list(all=True, filters=filters)]
    assert names(label="py=list") == [second.id, first.id]
    assert names(label=["py=list"], status="running") == [first.id]
    assert names(id=second.id) == [second.id]
    must_fail(APIError, 400, names, nosuch="1")
    assert bench.client.containers.list(filters={"label": "py=list"})[0].image.tags[0].startswith("busybox")


@scenario("refusals: 404, 409, 400", quick=True)
def refusals(bench):
    client = bench.client
    must_fail(NotFound, 404, client.containers.get, "nosuch")
    container = bench.start(["sleep", "100"], name="py-taken")
    must_fail(APIError, 409, client.containers.create, "busybox", name="py-taken")
    must_fail(APIError, 409, container.remove)
    must_fail(APIError, 400, client.containers.create, "busybox", mem_limit=1)
    must_fail(NotFound, 404, client.api.exec_inspect, "nosuch")


@scenario("limits and options reach the container", quick=True)
def options(bench):
    container = bench.start(
        ["sleep", "100"],
        mem_limit="64m",
        nano_cpus=500000000,
        pids_limit=10,
        hostname="h",
        cap_add=["NET_ADMIN"],
        cap_drop=["CHOWN"],
        ulimits=[docker.types.Ulimit(name="nofile", soft=64, hard=128)],
        environment={"A": "1"},
        tmpfs={"/t": "size=1m"},
        read_only=True,
        security_opt=["no-new-privileges"],
        log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m"}),
    )
    host = container.attrs["HostConfig"]
    assert host["Memory"] == 64 << 20 and host["NanoCpus"] == 500000000 and host["PidsLimit"] == 10
    assert container.exec_run("hostname").output == b"h\n"
    assert container.exec_run(["sh", "-c", "ulimit -n"]).output == b"64\n"
    assert container.exec_run("touch /x").exit_code == 1
    assert container.exec_run("touch /t/x").exit_code == 0
    container.update(mem_limit="32m", memswap_limit="64m")
    container.reload()
    assert container.attrs["HostConfig"]["Memory"] == 32 << 20


@scenario("archives in and out")
def archives(bench):
    container = bench.start(["sleep", "100"])
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("sub/file")
        entry.size, entry.uid, entry.mode = 5, 42, 0o640
        tar.addfile(entry, io.BytesIO(b"hello"))
    assert container.put_archive("/tmp", packed.getvalue())
    assert container.exec_run("stat -c '%u %a' /tmp/sub/file").output == b"42 640\n"
    stream, stat = container.get_archive("/tmp/sub")
    assert stat["name"] == "sub"
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as tar:
        assert tar.extractfile("sub/file").read() == b"hello"
    must_fail(NotFound, 404, container.get_archive, "/nosuch")
    names = tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))).getnames()
    assert "tmp/sub/file" in names


@scenario("diff, top, stats, commit")
def looking(bench):
    container = bench.start(["sh", "-c", "touch /made; sleep 100"])
    time.sleep(0.3)
    assert {"Path": "/made", "Kind": 1} in container.diff()
    assert any("sleep 100" in fields[-1] for fields in container.top()["Processes"])
    assert container.stats(stream=False)["pids_stats"]["current"] >= 1
    stream = container.stats(decode=True)
    assert next(stream)["memory_stats"]["usage"] > 0
    image = container.commit("py-made", "1", changes=["ENV A=b"])
    assert "A=b" in image.attrs["Config"]["Env"]
    bench.client.images.remove("py-made:1")
    must_fail(ImageNotFound, 404, bench.client.images.get, "py-made:1")


@scenario("images: tag, list, history, refused and forced removal, import", quick=True)
def images(bench):
    client = bench.client
    container = bench.create("true")
    image = container.commit("py-named", "1")
    assert image.tag("py-named", "2")
    image.reload()
    assert sorted(image.tags) == ["py-named:1", "py-named:2"], image.tags
    assert [found.id for found in client.images.list("py-named")] == [image.id]
    assert len(image.history()) >= 2
    bench.create("true", image="py-named:1")
    client.images.remove("py-named:2")
    must_fail(APIError, 409, client.images.remove, "py-named:1")
    client.images.remove("py-named:1", force=True)
    must_fail(ImageNotFound, 404, client.images.get, "py-named:1")
    data = b"".join(container.export())
    client.api.import_image_from_data(data, repository="py-flat", tag="1", changes=["CMD true"])
    assert client.images.get("py-flat:1").attrs["Config"]["Cmd"] == ["/bin/sh", "-c", "true"]
    client.images.remove("py-flat:1")
    assert client.images.prune()["SpaceReclaimed"] >= 0


@scenario("events while they happen, and since a moment", quick=True)
def events(bench):
    seen = []
    stream = bench.client.events(decode=True, filters={"type": "container", "label": "py=events"})
    reader = threading.Thread(target=lambda: seen.extend(event["Action"] for event in stream))
    reader.start()
    since = time.time()
    container = bench.start("true", labels={"py": "events"})
    container.wait()
    container.remove()
    time.sleep(0.3)
    stream.close()
    reader.join(5)
    assert seen[:4] == ["create", "start", "die", "destroy"], seen
    past = bench.client.events(decode=True, since=since - 1, until=time.time(), filters={"container": container.id})
    assert [event["Action"] for event in past] == ["create", "start", "die", "destroy"]


@scenario("restart policy and health check")
def policies(bench):
    failing = bench.start(["sh", "-c", "exit 1"], restart_policy={"Name": "on-failure", "MaximumRetryCount": 1})
    time.sleep(1.5)
    failing.reload()
    assert failing.attrs["RestartCount"] == 1 and failing.status == "exited", failing.attrs["RestartCount"]
    healthy = bench.start(["sleep", "100"], healthcheck={"test": ["CMD", "true"], "interval": 200000000})
    time.sleep(1)
    healthy.reload()
    assert healthy.attrs["State"]["Health"]["Status"] == "healthy", healthy.attrs["State"]["Health"]


@scenario("ping, version, info, disk use, prune")
def engine(bench):
    client = bench.client
    assert client.ping() is True
    assert client.version()["ApiVersion"]
    assert client.info()["OSType"] == "linux"
    assert client.df()["Images"]
    container = bench.create("true", labels={"py": "prune"})
    assert client.containers.prune({"label": "py=prune"})["ContainersDeleted"] == [container.id]


def main():
    for name, quick, function in SCENARIOS:
        if "--quick" in sys.argv and not quick:
            continue
        bench = Bench()
        outcome = {"name": name, "result": "passed"}
        try:
            function(bench)
        except Exception as error:  # whatever happens is a failure of this scenario
            outcome.update(result="failed", why=f"{type(error).__name__}: {error}"[:500])
        finally:
            bench.close()
        print(json.dumps(outcome), flush=True)


main()
