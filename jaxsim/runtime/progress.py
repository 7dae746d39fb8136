"""Progress of long runs."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOG = logging.getLogger("jaxsim")


def announce(line: str, shown: bool | None) -> None:
    """Tell the user something in one line: on the terminal where a progress bar would be drawn, and in the log."""
    LOG.info(line)
    if sys.stderr.isatty() if shown is None else shown:
        from tqdm import tqdm

        tqdm.write(line, file=sys.stderr)


@contextmanager
def progress_bar(total: int, shown: bool | None, label: str = "trajectories") -> Iterator[Callable[[int], None]]:
    """Give a function that counts trajectories done; on a terminal (or if asked) it draws a bar.

    The bar appears after two seconds, so that short runs stay silent.
    """
    if shown is None:
        shown = sys.stderr.isatty()
    if not shown:
        yield lambda count: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="", unit_scale=True, desc=label, delay=2.0, file=sys.stderr, dynamic_ncols=True) as bar:
        yield lambda count: bar.update(count) and None
