"""Run a command: errors become sentences on stderr and exit codes."""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, NoReturn

from jaxsim.console.options import BAD_INPUT
from jaxsim.errors import JaxsimError, SimulationWarning

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
FAILED = 1


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code.

    Parameters
    ----------
    command
        Returns an exit code.

    Returns
    -------
    int
        The command's; 2 for a request that cannot be carried out as asked, 130 after Ctrl-C, 1 if a file cannot be
        written. Errors of the program itself are not caught.

    Examples
    --------
    >>> guarded(lambda: 0)
    0
    """
    with warnings.catch_warnings():
        warnings.simplefilter("always", SimulationWarning)
        warnings.showwarning = _show  # type: ignore[assignment]
        try:
            return command()
        except SystemExit as stop:
            return int(stop.code or 0)
        except JaxsimError as error:
            print(f"jaxsim: {error}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt:
            print("\njaxsim: interrupted; no result of the running study was written", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            # whoever read our output has left; without this Python complains again when it flushes at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except OSError as error:
            print(f"jaxsim: {error.strerror or error}: {error.filename or 'output'}", file=sys.stderr)
            return FAILED


def leave(code: int) -> NoReturn:
    """End the process with an exit code; after Ctrl-C without taking the interpreter down first.

    XLA compiles in threads of its own, which run on when the wait for them is interrupted. To take the interpreter
    down would wait for them, seconds, and then crash.

    Parameters
    ----------
    code
        What `guarded` returned.

    Raises
    ------
    SystemExit
        With the code, unless it is that of Ctrl-C.

    Examples
    --------
    >>> leave(2)
    Traceback (most recent call last):
    SystemExit: 2
    """
    if code == INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # whoever read it was interrupted as well
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _show(message: Any, category: type[Warning], *_: Any) -> None:
    label = "" if issubclass(category, SimulationWarning) else f"{category.__name__}: "
    print(f"jaxsim: warning: {label}{message}", file=sys.stderr)
