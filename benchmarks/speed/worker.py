"""A process that holds one simulator and one case on given cores, and runs what it is told, line by line.

``python worker.py PEER CASE CORES`` writes one JSON line when ready (or why not), then answers every ``{"n", "seed"}``
on standard input with one line. Whatever the simulators print goes to standard error.
"""

import json
import os
import resource
import sys
import time
import warnings
from dataclasses import asdict
from importlib import import_module


def processor_seconds() -> float:
    """Of this process and of the programs it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def prepared(peer: str, case: str):
    """The simulator's ``run`` and what preparing it took."""
    from benchmarks.speed.cases import find

    adapter = import_module(f"benchmarks.peers.{peer}")
    adapter.available()
    start = time.perf_counter()
    run = adapter.prepare(find(case))
    seconds = time.perf_counter() - start
    compiling = getattr(run, "compile_seconds", seconds)
    return run, {"batch": run.batch, "note": getattr(run, "note", ""), "compile_seconds": compiling}


def timed(run, n: int, seed: int) -> dict:
    wall, cpu = time.perf_counter(), processor_seconds()
    outcome = run(n, seed)
    return {
        "wall": time.perf_counter() - wall - outcome.compile_seconds,
        "cpu": processor_seconds() - cpu - outcome.compile_seconds,
        "outcome": asdict(outcome),
    }


def answer(work) -> dict:
    """What `work` returns, or a sentence on why it could not."""
    from benchmarks.peers import Unsupported

    try:
        return work()
    except Unsupported as reason:
        return {"status": "unsupported", "reason": str(reason)}
    except Exception as failure:  # noqa: BLE001 - a simulator may fail in any way, and the report says so
        return {"status": "failed", "reason": f"{type(failure).__name__}: {failure}".splitlines()[0]}


def serve(peer: str, case: str, cores: set[int]) -> None:
    os.sched_setaffinity(0, cores)
    warnings.simplefilter("ignore")
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    held = []

    def prepare():
        run, facts = prepared(peer, case)
        held.append(run)
        return {"status": "ok", **facts}

    print(json.dumps(answer(prepare)), file=replies)
    for line in sys.stdin:
        order = json.loads(line)
        reply = answer(lambda order=order: {"status": "ok", **timed(held[0], **order)})
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], {int(core) for core in sys.argv[3].split(",")})
