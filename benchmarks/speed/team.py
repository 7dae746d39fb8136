"""The processes that run one simulator: one on all the cores it was given, or one on each."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import import_module
from pathlib import Path

WORKER = "benchmarks.speed.worker"
ROOT = Path(__file__).parent.parent.parent


class Gone(Exception):
    """A simulator that cannot go on; ``status`` is unsupported, failed or timeout."""

    def __init__(self, status: str, reason: str):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Team:
    """The workers of one simulator on one case, started at once and asked together."""

    def __init__(self, peer: str, case: str, cores: list[int], timeout: float):
        self.peer, self.timeout = peer, timeout
        own_threads = import_module(f"benchmarks.peers.{peer}").OWN_THREADS
        groups = [cores] if own_threads else [[core] for core in cores]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the workers; close() ends both
        self.workers = [self._start(case, group) for group in groups]

    def _start(self, case: str, cores: list[int]) -> subprocess.Popen:
        command = [sys.executable, "-m", WORKER, self.peer, case, ",".join(map(str, cores))]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self.log}
        return subprocess.Popen(command, **pipes, cwd=ROOT, text=True, bufsize=1, start_new_session=True)

    def ready(self) -> dict:
        """What the simulator says once the case is prepared."""
        facts = [self._reply(worker) for worker in self.workers]
        self.facts = facts[0]
        return self.facts

    def run(self, n: int, seed: int) -> list[dict]:
        """Let every worker run `n` trajectories at the same time, each from streams of its own."""
        for i, worker in enumerate(self.workers):
            worker.stdin.write(json.dumps({"n": n, "seed": seed * len(self.workers) + i}) + "\n")
            worker.stdin.flush()
        return [self._reply(worker) for worker in self.workers]

    def _reply(self, worker: subprocess.Popen) -> dict:
        if not select.select([worker.stdout], [], [], self.timeout)[0]:
            raise Gone("timeout", f"no answer within {self.timeout:g} s")
        line = worker.stdout.readline()
        if not line:
            raise Gone("failed", f"the process ended: {self._last_words()}")
        reply = json.loads(line)
        if reply["status"] != "ok":
            raise Gone(reply["status"], reply["reason"])
        return reply

    def _last_words(self) -> str:
        self.log.seek(0)
        return (self.log.read().strip().splitlines() or ["it said nothing"])[-1]

    def close(self) -> None:
        for worker in self.workers:
            with suppress(ProcessLookupError):  # it may have ended by itself
                os.killpg(worker.pid, signal.SIGKILL)  # with the programs it started, which would run on
            worker.wait()
            worker.stdin.close()
            worker.stdout.close()
        self.log.close()
