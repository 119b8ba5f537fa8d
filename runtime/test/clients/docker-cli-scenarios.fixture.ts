/**
 * What is done with the docker CLI, as data: shell lines, and what each must print.
 *
 * `$C` is a name of the scenario's own; the containers `$C`, `$C-2`, `$C-3` and the image
 * `$C-image` are removed at its end. Each scenario has an empty directory.
 *
 * @module
 */

/** What a line must do; what is not said does not matter, but the exit code is 0. */
export interface Expected {
  readonly code?: number;
  readonly out?: string | RegExp;
  readonly err?: string | RegExp;
}

/** A line of shell, and what is expected: a bare text or pattern is stdout's. */
export type Step = readonly [script: string, expected?: string | RegExp | Expected];

/** One scenario. */
export interface DockerScenario {
  readonly name: string;
  /** Also part of `npm test`. */
  readonly quick?: true;
  readonly steps: readonly Step[];
}

const ID = /^[0-9a-f]{64}\n$/;
const LOOP = "sh -c 'trap exit TERM; while :; do sleep 0.1; done'";

const LIFE: readonly DockerScenario[] = [
  {
    name: "run prints what the program prints and ends as it ends",
    quick: true,
    steps: [
      ["docker run --rm --name $C busybox echo hello", "hello\n"],
      ["docker run --rm --name $C busybox sh -c 'echo no >&2; exit 7'", { code: 7, err: "no\n" }],
      ["docker ps -aq --filter name=$C", ""],
    ],
  },
  {
    name: "create, start, wait, rm",
    quick: true,
    steps: [
      ["docker create --name $C busybox sh -c 'exit 5'", ID],
      ["docker inspect -f '{{.State.Status}}' $C", "created\n"],
      ["docker start $C", "$C\n"],
      ["docker wait $C", "5\n"],
      ["docker inspect -f '{{.State.Status}} {{.State.ExitCode}}' $C", "exited 5\n"],
      ["docker rm $C", "$C\n"],
      ["docker inspect $C", { code: 1, out: "[]\n", err: /No such object/i }],
    ],
  },
  {
    name: "start a second time keeps the files",
    steps: [
      ["docker run --name $C busybox sh -c 'echo x >> /f; cat /f'", "x\n"],
      ["docker start -a $C", "x\nx\n"],
    ],
  },
  {
    name: "stop asks by SIGTERM, and kills who does not listen",
    steps: [
      [`docker run -d --name $C busybox sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'`],
      ["docker stop $C", "$C\n"],
      ["docker inspect -f '{{.State.ExitCode}}' $C", "3\n"],
      ["docker run -d --name $C-2 busybox sleep 100"],
      ["docker stop -t 1 $C-2", "$C-2\n"],
      ["docker inspect -f '{{.State.ExitCode}}' $C-2", "137\n"],
      ["docker stop $C-2", "$C-2\n"],
    ],
  },
  {
    name: "--stop-signal and --stop-timeout",
    steps: [
      [
        "docker run -d --stop-signal USR1 --stop-timeout 2 --name $C busybox " +
          "sh -c 'trap \"exit 9\" USR1; while :; do sleep 0.1; done'",
      ],
      ["docker stop $C"],
      ["docker inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}}' $C", "9 USR1\n"],
    ],
  },
  {
    name: "kill sends any signal; a stopped container cannot be killed",
    quick: true,
    steps: [
      ["docker run -d --name $C busybox sleep 100", ID],
      ["docker kill -s KILL $C", "$C\n"],
      ["docker wait $C", "137\n"],
      ["docker kill $C", { code: 1, err: /is not running/ }],
      ["docker kill -s NOSUCH $C", { code: 1, err: /signal/i }],
    ],
  },
  {
    name: "restart gives a new process",
    steps: [
      [`docker run -d --name $C busybox ${LOOP}`, ID],
      ["docker inspect -f '{{.State.Pid}}' $C > before"],
      ["docker restart -t 1 $C", "$C\n"],
      ["docker inspect -f '{{.State.Pid}}' $C | cmp -s - before", { code: 1 }],
      ["docker inspect -f '{{.State.Running}}' $C", "true\n"],
    ],
  },
  {
    name: "rename",
    quick: true,
    steps: [
      ["docker create --name $C busybox true", ID],
      ["docker create --name $C-2 busybox true", ID],
      ["docker rename $C $C-3"],
      ["docker inspect -f '{{.Name}}' $C-3", "/$C-3\n"],
      ["docker rename $C-3 $C-2", { code: 1, err: /Conflict.*already in use/s }],
      ["docker rename $C-3 a/b", { code: 1, err: /Invalid container name/ }],
    ],
  },
  {
    name: "rm refuses what runs, takes it with -f",
    quick: true,
    steps: [
      ["docker run -d --name $C busybox sleep 100", ID],
      ["docker rm $C", { code: 1, err: /running/ }],
      ["docker rm -f $C", "$C\n"],
      ["docker rm -f $C", { code: 0, err: /No such container/ }],
      ["docker rm $C", { code: 1, err: /No such container/ }],
    ],
  },
  {
    name: "pause and unpause",
    quick: true,
    steps: [
      ["docker run -d --name $C busybox sleep 100", ID],
      ["docker pause $C", "$C\n"],
      ["docker ps --filter name=$C --format '{{.Status}}'", /\(Paused\)\n$/],
      ["docker inspect -f '{{.State.Status}} {{.State.Paused}}' $C", "paused true\n"],
      ["docker pause $C", { code: 1, err: /already paused/ }],
      ["docker exec $C true", { code: 1, err: /is paused/ }],
      ["docker unpause $C", "$C\n"],
      ["docker unpause $C", { code: 1, err: /is not paused/ }],
      ["docker pause $C && docker stop -t 1 $C", "$C\n$C\n"],
    ],
  },
  {
    name: "restart policies: on-failure with a count, always, none after stop",
    steps: [
      ["docker run -d --restart on-failure:2 --name $C busybox sh -c 'exit 3'", ID],
      [
        "for i in $(seq 50); do sleep 0.1; docker inspect -f '{{.RestartCount}} {{.State.Status}}' " +
          "$C | grep -q '2 exited' && break; done; " +
          "docker inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' $C",
        "2 exited 3\n",
      ],
      [`docker run -d --restart always --name $C-2 busybox ${LOOP}`, ID],
      ["docker exec $C-2 kill -TERM 1; sleep 1.5"],
      ["docker inspect -f '{{.RestartCount}} {{.State.Running}}' $C-2", "1 true\n"],
      ["docker stop -t 1 $C-2; sleep 0.5; docker inspect -f '{{.State.Running}}' $C-2", /false\n$/],
    ],
  },
  {
    name: "--rm with --restart is refused",
    steps: [
      [
        "docker run --rm --restart always busybox true",
        { code: 125, err: /[Cc]onflicting options/ },
      ],
    ],
  },
  {
    name: "health checks: starting, healthy, unhealthy",
    steps: [
      [
        "docker run -d --health-cmd 'test -e /ok' --health-interval 0.2s --health-retries 2 " +
          "--name $C busybox sleep 100",
        ID,
      ],
      ["docker inspect -f '{{.State.Health.Status}}' $C", /^(starting|unhealthy)\n$/],
      ["sleep 1.5; docker inspect -f '{{.State.Health.Status}}' $C", "unhealthy\n"],
      ["docker exec $C touch /ok; sleep 1"],
      ["docker ps --filter health=healthy --filter name=$C --format '{{.Status}}'", /\(healthy\)/],
    ],
  },
];

const STREAMS: readonly DockerScenario[] = [
  {
    name: "stdin is piped, and its end ends the program",
    quick: true,
    steps: [
      ["echo through | docker run --rm -i --name $C busybox cat", "through\n"],
      ["head -c 1000000 /dev/zero | docker run --rm -i --name $C busybox wc -c", "1000000\n"],
    ],
  },
  {
    name: "attach to one that runs; the input reaches it",
    steps: [
      ["docker run -di --name $C busybox sh -c 'read line; echo got $line'", ID],
      ["(sleep 0.3; echo hello) | docker attach $C", "got hello\n"],
      ["docker wait $C", "0\n"],
    ],
  },
  {
    name: "logs: all, the tail, with times, of both streams, followed to the end",
    quick: true,
    steps: [
      ["docker run --name $C busybox sh -c 'seq 5; echo bad >&2'", { out: "1\n2\n3\n4\n5\n" }],
      ["docker logs $C", { out: "1\n2\n3\n4\n5\n", err: "bad\n" }],
      ["docker logs -n 2 $C 2>&1", /^5\nbad\n$|^bad\n5\n$/],
      ["docker logs -t $C 2>/dev/null | head -1", /^\d{4}-\d\d-\d\dT[\d:.]+Z 1\n$/],
      ["docker run -d --name $C-2 busybox sh -c 'echo a; sleep 0.5; echo b'"],
      ["docker logs -f $C-2", "a\nb\n"],
      ["docker logs --since 1h --until 1s $C-2", /^(a\n)?(b\n)?$/],
      ["docker logs --since 2100-01-01 $C-2", ""],
    ],
  },
  {
    name: "--log-driver none has no logs; rotation keeps the newest",
    steps: [
      ["docker run --log-driver none --name $C busybox echo x", "x\n"],
      ["docker logs $C", { code: 1, err: /does not support reading/ }],
      [
        "docker run --log-opt max-size=2k --log-opt max-file=2 --name $C-2 busybox seq 1000 | tail -1",
        "1000\n",
      ],
      ["docker logs $C-2 | tail -1", "1000\n"],
      ["test $(docker logs $C-2 | wc -l) -lt 1000"],
    ],
  },
  {
    name: "a terminal has the size of mine",
    quick: true,
    steps: [
      [
        `sleep 1 | script -qec 'stty rows 33 cols 99; docker run --rm -it --name $C busybox sh -c "sleep 0.3; stty size"' /dev/null`,
        /33 99\r?\n/,
      ],
      ["docker run --rm -t --name $C busybox sh -c 'test -t 1 && echo tty'", "tty\r\n"],
      ["docker run --rm -it busybox true </dev/null", { code: 1, err: /not a (TTY|terminal)/ }],
    ],
  },
  {
    name: "exec: output, input, user, directory, environment, exit codes",
    quick: true,
    steps: [
      ["docker run -d --name $C busybox sleep 100", ID],
      ["docker exec $C echo hi", "hi\n"],
      ["echo in | docker exec -i $C cat", "in\n"],
      [
        "docker exec -u 7:8 -w /tmp -e A=b $C sh -c 'id -u; id -g; pwd; echo $A'",
        "7\n8\n/tmp\nb\n",
      ],
      ["docker exec $C sh -c 'exit 4'", { code: 4 }],
      ["docker exec $C nosuch", { code: 127 }],
      ["docker exec $C /etc/passwd", { code: 126 }],
      ["docker exec -d $C touch /made; sleep 0.3; docker exec $C ls /made", "/made\n"],
      ["docker kill $C; docker exec $C true", { code: 1, err: /is not running/ }],
    ],
  },
];

const LOOKING: readonly DockerScenario[] = [
  {
    name: "ps: filters and columns",
    quick: true,
    steps: [
      ["docker run -d --label role=$C --name $C busybox sleep 100", ID],
      ["docker create --label role=$C --name $C-2 busybox true", ID],
      ["docker ps --filter label=role=$C --format '{{.Names}}'", "$C\n"],
      ["docker ps -a --filter label=role=$C --format '{{.Names}}'", "$C-2\n$C\n"],
      [
        "docker ps -a --filter label=role=$C --filter status=created --format '{{.Names}}'",
        "$C-2\n",
      ],
      ["docker ps --filter ancestor=busybox --filter name=$C --format '{{.Image}}'", "busybox\n"],
      ["docker ps -a --filter name=^/$C$ --format '{{.Names}}'", "$C\n"],
      ["docker ps -a --filter before=$C-2 --filter name=$C --format '{{.Names}}'", "$C\n"],
      ["docker ps -a --filter since=$C --filter name=$C --format '{{.Names}}'", "$C-2\n"],
      ["docker ps -a -n 1 --format '{{.Names}}'", "$C-2\n"],
      ["docker ps -a --filter nosuch=1", { code: 1, err: /invalid filter/i }],
      [
        "docker ps -s --filter name=$C --format '{{.Size}}'",
        /^[\d.]+k?B \(virtual [\d.]+[kM]?B\)\n$/,
      ],
      ["docker ps --no-trunc -q --filter name=$C", ID],
    ],
  },
  {
    name: "ps --filter exited",
    steps: [
      ["docker run --name $C busybox sh -c 'exit 44'", { code: 44 }],
      ["docker ps -a --filter exited=44 --filter name=$C --format '{{.Names}}'", "$C\n"],
      ["docker ps -a --filter exited=45 --filter name=$C --format '{{.Names}}'", ""],
    ],
  },
  {
    name: "inspect shows what was asked for",
    steps: [
      [
        "docker create --name $C --hostname h --env A=1 --label l=2 --user 3 --workdir /w " +
          "--memory 64m --cpus 0.5 --pids-limit 9 --cap-add NET_ADMIN --read-only --init=false " +
          "--entrypoint /bin/sh busybox -c true",
        ID,
      ],
      [
        "docker inspect -f '{{.Config.Hostname}} {{.Config.User}} {{.Config.WorkingDir}}' $C",
        "h 3 /w\n",
      ],
      [
        "docker inspect -f '{{json .Config.Entrypoint}} {{json .Args}}' $C",
        '["/bin/sh"] ["-c","true"]\n',
      ],
      [
        "docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' $C",
        "67108864 500000000 9\n",
      ],
      [
        "docker inspect -f '{{.HostConfig.CapAdd}} {{.HostConfig.ReadonlyRootfs}}' $C",
        /^\[(CAP_)?NET_ADMIN\] true\n$/,
      ],
      ["docker inspect -f '{{index .Config.Labels \"l\"}}' $C", "2\n"],
      ["docker inspect -f '{{.NoSuch}}' $C", { code: 1, err: /template/ }],
    ],
  },
  {
    name: "top",
    quick: true,
    steps: [
      ["docker run -d --name $C busybox sleep 123", ID],
      ["sleep 0.3; docker top $C", /^UID +PID.*\n.*sleep 123\n$/s],
      ["docker top $C -o pid,args", /^PID +COMMAND\n\d+ +sleep 123\n$/],
    ],
  },
  {
    name: "stats, once",
    steps: [
      ["docker run -d --memory 64m --name $C busybox sleep 100", ID],
      [
        "docker stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' $C",
        /^\$C 1 \S+ \/ 64MiB\n$/,
      ],
    ],
  },
  {
    name: "events of a life, filtered, up to a moment",
    quick: true,
    steps: [
      ["date +%s.%N > since; docker run --name $C busybox true; docker rm $C"],
      [
        "docker events --since $(cat since) --until $(date +%s.%N) --filter container=$C " +
          "--format '{{.Action}}'",
        /^create\nattach\nstart\ndie\ndestroy\n$/,
      ],
      [
        "docker events --since $(cat since) --until $(date +%s.%N) --filter event=die " +
          "--filter container=$C --format '{{.Type}} {{.Actor.Attributes.exitCode}}'",
        "container 0\n",
      ],
    ],
  },
  {
    name: "version, info, system df",
    steps: [
      ["docker version -f '{{.Server.APIVersion}}'", /^1\.\d+\n$/],
      ["docker info -f '{{.Driver}} {{.OSType}}'", /^overlay2? linux\n$/],
      ["docker system df --format '{{.Type}}'", /^Images\nContainers\n/],
    ],
  },
  {
    name: "port without ports is empty",
    steps: [
      ["docker create --name $C busybox true", ID],
      ["docker port $C", ""],
      ["docker port $C 80", { code: 1, err: /[Nn]o public port/ }],
    ],
  },
];

const FILES: readonly DockerScenario[] = [
  {
    name: "cp both ways: files, directories, streams, of stopped ones too",
    quick: true,
    steps: [
      ["docker create --name $C busybox true", ID],
      ["echo hi > f; mkdir -p d/e; echo deep > d/e/g; ln -s g d/e/link"],
      ["docker cp f $C:/tmp/f; docker cp d $C:/tmp"],
      ["docker cp $C:/tmp/f back; cat back", "hi\n"],
      ["docker cp $C:/tmp/d out; cat out/e/g; readlink out/e/link", "deep\ng\n"],
      ["docker cp $C:/tmp/d - | tar -t", /d\/e\/g\n/],
      ["tar -c f | docker cp - $C:/var; docker cp $C:/var/f - | tar -xO", "hi\n"],
      [
        "docker cp $C:/nosuch x",
        { code: 1, err: /Could not find the file|No such container:path/ },
      ],
    ],
  },
  {
    name: "diff",
    quick: true,
    steps: [
      ["docker run --name $C busybox sh -c 'touch /new; rm /etc/passwd'"],
      ["docker diff $C", /^C \/etc\nD \/etc\/passwd\nA \/new\n$/],
    ],
  },
  {
    name: "who reads a container's files has all of them, whatever becomes of it meanwhile",
    steps: [
      [
        "docker run -d --name $C -v /etc:/e busybox " +
          "sh -c 'head -c 40000000 /dev/zero > /a; echo > /z; exec sleep 100'",
        ID,
      ],
      ["until docker exec $C test -e /z; do sleep 0.1; done"],
      ["docker export $C | (docker kill $C >&2; cat) | tar t | grep -cx z", "1\n"],
      ["docker start $C", "$C\n"],
      [
        "docker cp $C:/ - | (docker rm -f $C >&2; cat) | tar t > list; grep -c '/e/passwd$' list",
        "1\n",
      ],
      ["grep -c '^/*z$' list", "1\n"],
      ["grep -cE '^/*(proc|sys|dev)/.' list", { code: 1, out: "0\n" }],
    ],
  },
  {
    name: "names may be any bytes",
    steps: [
      [
        "docker run --name $C busybox " +
          `sh -c 'mkdir /w; cd /w; n=$(printf "a\\377"); echo x > $n; ln -s $n l; mkdir $n.d; mv $n $n.d'`,
      ],
      ["docker export $C | tar x w; cat $(printf 'w/a\\377.d/a\\377')", "x\n"],
      ["docker cp $C:/w out && diff -r --no-dereference w out"],
      ["docker cp out $C:/again && docker commit $C $C-image", /^sha256:/],
      ["docker run --rm $C-image sh -c 'cat /again/*.d/*'", "x\n"],
      ["docker diff $C | grep -c ^A", "8\n"],
      ["docker rm $C", "$C\n"],
    ],
  },
  {
    name: "export is the whole tree as a tar",
    steps: [
      ["docker run --name $C busybox touch /mark"],
      ["docker export $C | tar -t > list; grep -xc mark list; grep -c bin/ list", /^1\n\d+\n$/],
    ],
  },
  {
    name: "commit makes an image of it, with changes",
    steps: [
      ["docker run --name $C busybox sh -c 'echo kept > /kept'"],
      [
        "docker commit -a me -m why -c 'CMD [\"cat\",\"/kept\"]' -c 'ENV A=b' $C $C-image",
        /^sha256:[0-9a-f]{64}\n$/,
      ],
      ["docker run --rm --name $C-2 $C-image", "kept\n"],
      ["docker inspect -f '{{.Author}} {{.Comment}}' $C-image", "me why\n"],
    ],
  },
  {
    name: "read-only root, tmpfs, volumes from the host",
    steps: [
      ["docker run --rm --read-only --name $C busybox touch /x", { code: 1, err: /[Rr]ead-only/ }],
      [
        "docker run --rm --read-only --tmpfs /t:size=1m --name $C busybox sh -c 'touch /t/x && df /t | grep -c 1024'",
        "1\n",
      ],
      ["echo host > f; docker run --rm -v $PWD:/h --name $C busybox cat /h/f", "host\n"],
      [
        "docker run --rm -v $PWD:/h:ro --name $C busybox touch /h/f",
        { code: 1, err: /[Rr]ead-only/ },
      ],
      [
        "docker run --rm --mount type=bind,src=/no/such,dst=/h busybox true",
        { code: 125, err: /does not exist/ },
      ],
    ],
  },
];

const LIMITS: readonly DockerScenario[] = [
  {
    name: "update changes limits while it runs",
    quick: true,
    steps: [
      ["docker run -d --memory 64m --name $C busybox sleep 100", ID],
      ["docker update --memory 32m --memory-swap 64m --cpus 0.5 --pids-limit 20 $C", "$C\n"],
      [
        "docker inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}' $C",
        "33554432 500000000 20\n",
      ],
      [
        "docker update --restart always $C && docker inspect -f '{{.HostConfig.RestartPolicy.Name}}' $C",
        /always\n$/,
      ],
    ],
  },
  {
    name: "out of memory is told",
    steps: [
      [
        "docker run --memory 16m --memory-swap 16m --name $C busybox sh -c 'tail /dev/zero'",
        { code: 137 },
      ],
      ["docker inspect -f '{{.State.OOMKilled}}' $C", "true\n"],
    ],
  },
  {
    name: "ulimit, sysctl, shm, oom score, hostname, domain name",
    steps: [
      [
        "docker run --rm --ulimit nofile=100:200 --name $C busybox sh -c 'ulimit -n; ulimit -Hn'",
        "100\n200\n",
      ],
      [
        "docker run --rm --sysctl kernel.msgmax=9000 --name $C busybox cat /proc/sys/kernel/msgmax",
        "9000\n",
      ],
      [
        "docker run --rm --shm-size 8m --name $C busybox sh -c 'df -k /dev/shm | tail -1'",
        / 8192 /,
      ],
      [
        "docker run --rm --oom-score-adj 300 --name $C busybox cat /proc/self/oom_score_adj",
        "300\n",
      ],
      [
        "docker run --rm --hostname a --domainname b.c --name $C busybox cat /proc/sys/kernel/domainname",
        "b.c\n",
      ],
    ],
  },
  {
    name: "capabilities, privileges, seccomp",
    steps: [
      [
        "docker run --rm --cap-drop ALL --name $C busybox chown 1 /tmp",
        { code: 1, err: /not permitted/ },
      ],
      ["docker run --rm --cap-drop ALL --cap-add CHOWN --name $C busybox chown 1 /tmp"],
      ["docker run --rm --name $C busybox mount -t tmpfs x /mnt", { code: 1 }],
      ["docker run --rm --privileged --name $C busybox sh -c 'mkdir /m; mount -t tmpfs x /m'"],
      [
        "docker run --rm --security-opt no-new-privileges --name $C busybox grep NoNewPrivs /proc/self/status",
        /1\n$/,
      ],
      [
        "docker run --rm --security-opt seccomp=unconfined --name $C busybox grep Seccomp: /proc/self/status",
        /0\n$/,
      ],
      ["docker run --rm --security-opt bogus=1 busybox true", { code: 125, err: /security/ }],
    ],
  },
  {
    name: "namespaces of another container, and of the host",
    steps: [
      ["docker run -d --name $C busybox sleep 100", ID],
      ["docker run --rm --pid container:$C --name $C-2 busybox ps | grep -c 'sleep 100'", "1\n"],
      ["test $(docker run --rm --uts host --name $C-2 busybox hostname) = $(hostname)"],
      [
        "docker run --rm --ipc container:$C --name $C-2 busybox true",
        { code: 125, err: /shareable/ },
      ],
      ["docker run --rm --network none --name $C-2 busybox ls /sys/class/net", "lo\n"],
    ],
  },
  {
    name: "user, groups, environment files, labels from a file, cidfile",
    steps: [
      ["docker run --rm -u 5:6 --group-add 7 --name $C busybox id", /uid=5.* gid=6.* groups=.*7/],
      ["echo A=1 > env; docker run --rm --env-file env --name $C busybox sh -c 'echo $A'", "1\n"],
      [
        "echo l=1 > labels; docker create --label-file labels --cidfile cid --name $C busybox true",
        ID,
      ],
      ["docker inspect -f '{{.Config.Labels.l}} {{.Id}}' $C | cmp - <<E\n1 $(cat cid)\nE"],
      [
        "docker run --rm -u nosuch --name $C-2 busybox true",
        { code: 125, err: /unable to find user nosuch/ },
      ],
    ],
  },
];

const MISTAKES: readonly DockerScenario[] = [
  {
    name: "exit codes 125, 126, 127",
    quick: true,
    steps: [
      ["docker run --rm --name $C busybox nosuch", { code: 127, err: /executable file not found/ }],
      ["docker run --rm --name $C busybox /etc/passwd", { code: 126, err: /permission denied/ }],
      [
        "docker run --rm --memory 1 --name $C busybox true",
        { code: 125, err: /[Mm]inimum memory limit/ },
      ],
      ["docker ps -aq --filter name=$C", ""],
    ],
  },
  {
    name: "a name is taken once, and must be a name",
    quick: true,
    steps: [
      ["docker create --name $C busybox true", ID],
      [
        "docker create --name $C busybox true",
        { code: 1, err: /Conflict. The container name "\/c/ },
      ],
      ["docker create --name 'a b' busybox true", { code: 1, err: /Invalid container name/ }],
    ],
  },
  {
    name: "what is not there is said by its name",
    quick: true,
    steps: [
      ["docker start nosuch-$C", { code: 1, err: /No such container: nosuch-/ }],
      ["docker logs nosuch-$C", { code: 1, err: /No such container: nosuch-/ }],
      ["docker exec nosuch-$C true", { code: 1, err: /No such container: nosuch-/ }],
      ["docker inspect nosuch-$C", { code: 1, out: "[]\n", err: /No such object: nosuch-/i }],
      ["docker wait nosuch-$C", { code: 1, err: /No such container: nosuch-/ }],
    ],
  },
  {
    name: "prune removes what is stopped, by label",
    steps: [
      ["docker create --label p=$C --name $C busybox true", ID],
      ["docker run -d --label p=$C --name $C-2 busybox sleep 100", ID],
      ["docker container prune -f --filter label=p=$C", /Deleted Containers:\n[0-9a-f]{64}\n/],
      ["docker ps -a --filter label=p=$C --format '{{.Names}}'", "$C-2\n"],
    ],
  },
];

const IMAGES: readonly DockerScenario[] = [
  {
    name: "tag and rmi: names go one by one, the image with its last",
    quick: true,
    steps: [
      ["docker create --name $C busybox true", ID],
      ["docker commit $C $C-image", /^sha256:[0-9a-f]{64}\n$/],
      ["docker tag $C-image $C-image:2"],
      ["docker images --format '{{.Tag}}' $C-image | sort", "2\nlatest\n"],
      ["docker rmi $C-image:2", "Untagged: $C-image:2\n"],
      ["docker rmi $C-image", /^Untagged: \$C-image:latest\nDeleted: sha256:/],
      ["docker rmi $C-image", { code: 1, err: /No such image: c\S+-image/ }],
    ],
  },
  {
    name: "rmi of what is in use: refused, forced, and the container lives",
    steps: [
      ["docker create --name $C busybox cat /etc/passwd", ID],
      ["docker commit $C $C-image"],
      ["docker create --name $C-2 $C-image", ID],
      [
        "docker rmi $C-image",
        { code: 1, err: /unable to remove repository reference .* \(must force\) - container/ },
      ],
      [
        "docker rmi $(docker inspect -f '{{.Id}}' $C-image)",
        { code: 1, err: /\(must be forced\) - image is being used by stopped container/ },
      ],
      ["docker rmi -f $C-image", /^Untagged: .*\nDeleted: /],
      ["docker start -a $C-2 | head -1", /^root:/],
    ],
  },
  {
    name: "history, import of an export, image prune",
    steps: [
      ["docker create --name $C busybox true", ID],
      ['docker export $C | docker import -c \'CMD ["echo","hi"]\' - $C-image', /^sha256:/],
      ["docker run --rm --name $C-2 $C-image", "hi\n"],
      ["docker history -q $C-image | wc -l", "1\n"],
      ["docker image inspect -f '{{len .RootFS.Layers}}' $C-image", "1\n"],
      ["docker export $C | docker import -c 'CMD [\"x\"]' - $C-image"],
      ["docker image prune -f", /^Deleted Images:\ndeleted: sha256:/],
    ],
  },
  {
    name: "every prune of docker ends well",
    steps: [
      ["docker container prune -f --filter label=nosuch=$C", /^Total reclaimed space: 0B\n$/],
      ["docker image prune -f --filter label=nosuch=$C", /^Total reclaimed space: 0B\n$/],
      ["docker network prune -f; docker volume prune -f; docker builder prune -f", /Total/],
      ["docker system prune -f --filter label=nosuch=$C", /^Total reclaimed space: 0B\n$/],
      ["docker system df -v", /^Images space usage:\n[^]*Build cache usage: 0B/],
    ],
  },
  {
    name: "what only other machines have is refused, and said to be so",
    quick: true,
    steps: [
      ["docker run --gpus all busybox", { code: 125, err: /could not select device driver/ }],
      ["docker run --isolation hyperv busybox", { code: 125, err: /linux only supports/ }],
      ["docker run --cpu-count 2 busybox", { code: 1, err: /running on windows/ }],
      ["docker run --runtime nosuch busybox", { code: 125, err: /[Uu]nknown.* runtime/ }],
      ["docker run --storage-opt size=1G busybox", { code: 125, err: /pquota/ }],
    ],
  },
  {
    name: "of several that are named, those that can are done, and the exit code is 1",
    quick: true,
    steps: [
      ["docker create --name $C busybox true", ID],
      ["docker run -d --name $C-2 busybox sleep 100", ID],
      ["docker rm $C $C-2 nosuch", { code: 1, out: "$C\n", err: /running[^]*No such container/ }],
      ["docker ps -a --filter name=$C --format '{{.Names}}'", "$C-2\n"],
    ],
  },
];

/** All of them. */
export const DOCKER_SCENARIOS: readonly DockerScenario[] = [
  ...LIFE,
  ...STREAMS,
  ...LOOKING,
  ...FILES,
  ...LIMITS,
  ...MISTAKES,
  ...IMAGES,
];
