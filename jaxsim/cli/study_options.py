"""Options that ``jaxsim run`` and ``jaxsim resume`` share, and how both end."""

import argparse
import os
import sys
from typing import Any

from jaxsim.console import options
from jaxsim.console.options import Parser
from jaxsim.errors import StudyError
from jaxsim.study.run import REQUEUE, Outcome
from jaxsim.study.stopping import beyond_limit, short_lines

DAMAGED, NOT_REACHED = 1, 3
EPILOG = f"""\
exit codes:
  0    all chunks of this run's share are done, or in the hands of other processes
  2    the request cannot be carried out; the sentence says why
  {NOT_REACHED}    all trajectories are done, and the stopping rule is not met at some design points
  {REQUEUE}   SIGTERM or SIGUSR1 ended the run between two chunks: queue it again
  130  Ctrl-C; the chunks in flight are lost
"""


# Seconds that jax.distributed waits for the others, instead of its 300, 100 and 300: until all have started, which a
# busy file system delays; until one that stands still counts as dead; and at the end, when the one that was first to
# finish its share waits for the last, which may have hours to go.
_PATIENCE: dict[str, Any] = {
    "initialization_timeout": 1800,
    "heartbeat_timeout_seconds": 600,
    "shutdown_timeout_seconds": 7 * 24 * 3600,
}


def add_options(parser: Parser) -> None:
    """Add the options to a parser."""
    add = parser.add_argument
    add("--task", type=options.count, default=None, metavar="K", help="take the chunks that are K modulo N")
    add("--of", type=options.positive_count, default=None, metavar="N", help="number of tasks")
    add("--distributed", action="store_true",
        help="join the other processes of this job through jax.distributed, which finds them under SLURM, Open MPI "
        "and Kubernetes; each takes its share")  # fmt: skip
    add("--coordinator", default=None, metavar="HOST:PORT", help="with --distributed: where process 0 listens")
    add(
        "--other-version",
        action="store_true",
        help="go on with a store of another version of jaxsim, jax or jaxlib, though last bits may differ",
    )
    add_trust(parser)
    add("--quiet", action="store_true", help="say nothing unless something is wrong")


def add_trust(parser: Parser) -> None:
    """Add the option that names modules whose code may run."""
    parser.add_argument(
        "--trust", action="append", default=[], metavar="MODULE",
        help="let the study file name functions of this module, beside those of modules in its own folder; "
        "may be given several times",
    )  # fmt: skip


def share_of(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return (task, of); with --distributed these are the number of this process and of all."""
    if not arguments.distributed:
        if (arguments.task is None) != (arguments.of is None):
            raise StudyError("--task and --of go together; give both or none")
        return (0, 1) if arguments.task is None else (int(arguments.task), int(arguments.of))
    if arguments.coordinator is not None and (arguments.task is None or arguments.of is None):
        raise StudyError("with --coordinator give --task and --of, the number of this process and of all")
    import jax

    given = [] if arguments.coordinator is None else [arguments.coordinator, int(arguments.of), int(arguments.task)]
    try:
        jax.distributed.initialize(*given, **_PATIENCE)
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        why = f"the variable {error} is not set" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise StudyError(
            f"--distributed does not find the other processes ({why.rstrip('.')}): start jaxsim with srun or mpirun, "
            f"or give --coordinator HOST:PORT, --task and --of; for one process alone leave --distributed out"
        ) from error
    return jax.process_index(), jax.process_count()


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the other arguments of run_study and resume_study."""
    return {
        "progress": not arguments.quiet, "trust": arguments.trust, "other_version": arguments.other_version,
    }  # fmt: skip


def leave_together(arguments: argparse.Namespace) -> None:
    """Wait for the other processes of a distributed run, so that none is cut off when the first ends."""
    if arguments.distributed:
        import jax

        jax.distributed.shutdown()


def ended(outcome: Outcome, quiet: bool) -> int:
    """Say how a run ended and return its exit code."""
    if outcome.complete and outcome.short:
        text = f"{outcome.verdict}; {beyond_limit(outcome.short)}; the results so far are in {outcome.store}"
        code = NOT_REACHED
    elif outcome.complete:
        text, code = f"complete: {outcome.store}; 'jaxsim report {outcome.store}' writes a page about it", 0
    elif outcome.signal:
        text = f"{outcome.signal}: {outcome.chunks} chunks committed, {outcome.left} left; queue the same command again"
        code = REQUEUE
    else:
        text, code = f"this share is done; {outcome.left} chunks of the study are left to others", 0
    if code == NOT_REACHED or not quiet:
        print(f"jaxsim: {text}", file=sys.stderr)
    if code == NOT_REACHED and not quiet:
        print(short_lines(outcome.short), file=sys.stderr)
    return code


def interrupted(store: str) -> int:
    """Say what Ctrl-C has left and return its exit code."""
    print(
        f"\njaxsim: interrupted; all chunks committed so far are kept, go on with: jaxsim resume {store}",
        file=sys.stderr,
    )
    sys.stderr.flush()
    return 130


def quiet_terminal() -> None:
    """Let XLA's own log speak of errors only."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
