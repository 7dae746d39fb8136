"""What a run says while it works: a bar on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from typing import Any

from jaxsim.study.pace import Pace, said

BAR = "{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} trajectories{postfix}"
FIRST_LINE, LINES = 5.0, 60.0  # seconds until the first log line, and between the others


class Display:
    """Shows the trajectories done, out of those that this run has before it.

    Parameters
    ----------
    shown
        False for silence.
    stream
        Standard error if not given.
    """

    def __init__(self, shown: bool = True, stream: Any = None) -> None:
        self.stream, self.shown = stream or sys.stderr, shown
        self._bar: Any = None
        self._lock = threading.Lock()
        self.begin(0)

    def begin(self, total: int) -> None:
        """Begin to count."""
        self.total, self.pace, self.done = total, Pace(total), 0
        self._next = time.monotonic() + FIRST_LINE
        if total and self.shown and self.stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit="", unit_scale=True, file=self.stream, dynamic_ncols=True,
                             bar_format=BAR)  # fmt: skip

    def show(self, done: int) -> None:
        """Show how many are done; the heartbeat calls this too, from its thread."""
        with self._lock:
            self._show(done)

    def _show(self, done: int) -> None:
        self.pace.note(done)
        text = said(self.pace.left())
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(done - self.done)
        elif self.shown and time.monotonic() >= self._next:
            self._next = time.monotonic() + LINES
            self.say(f"{done:,} of {self.total:,} trajectories ({done / max(self.total, 1):.0%}), {text}")
        self.done = done

    def say(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if not self.shown:
            return
        if self._bar is not None:
            self._bar.write(f"jaxsim: {text}", file=self.stream)
        else:
            self.stream.write(f"{time.strftime('%H:%M:%S')} jaxsim: {text}\n")
            self.stream.flush()

    def close(self) -> None:
        """Leave the terminal tidy."""
        if self._bar is not None:
            self._bar.close()
