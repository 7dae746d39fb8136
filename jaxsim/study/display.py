"""Progress of a study: a bar on a terminal, a line now and then elsewhere."""

import sys
import threading
import time
from collections import deque
from typing import Any

# How fast a run goes, and how long it will still take.

FEWEST_SECONDS, FEWEST_SHARE = 3.0, 0.001  # below these nothing is said


class ProgressPace:
    """Time left, as an interval: by the pace since the start, and by the pace of late.

    Design points differ in cost, so the two may differ; both are said.

    Examples
    --------
    >>> pace = ProgressPace(total=100, now=0.0)
    >>> pace.note(10, now=10.0)
    >>> pace.left(now=10.0)
    (90.0, 90.0)
    """

    def __init__(self, total: int, now: float | None = None) -> None:
        self.total = total
        self.start = time.monotonic() if now is None else now
        self.samples: deque[tuple[float, float]] = deque([(self.start, 0.0)], maxlen=256)

    def note(self, done: int, now: float | None = None) -> None:
        """Note how much is done by now."""
        self.samples.append((time.monotonic() if now is None else now, done))

    def left(self, now: float | None = None) -> tuple[float, float] | None:
        """Return the least and the most seconds that are left; None while that is not known."""
        now = time.monotonic() if now is None else now
        done, elapsed = self.samples[-1][1], now - self.start
        if done >= self.total:
            return 0.0, 0.0
        if elapsed < FEWEST_SECONDS or done < FEWEST_SHARE * self.total:
            return None
        middle = next(
            sample for sample in self.samples if sample[0] >= self.start + elapsed / 2 or sample is self.samples[-1]
        )
        rates = [done / elapsed]
        if now > middle[0] and done > middle[1]:
            rates.append((done - middle[1]) / (now - middle[0]))
        left = [max(0.0, self.total - done) / rate for rate in rates]
        return min(left), max(left)


def spoken(seconds: float | int) -> str:
    """Return a length of time in the unit that suits it.

    Examples
    --------
    >>> spoken(42), spoken(4000), spoken(3 * 86400)
    ('42 s', '1.1 h', '3.0 d')
    """
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.05 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def said(left: tuple[float, float] | None) -> str:
    """Return time left as a phrase.

    Examples
    --------
    >>> said((60.0, 130.0)), said((60.0, 61.0)), said(None)
    ('60 s to 2.2 min left', '61 s left', 'time left not known yet')
    """
    if left is None:
        return "time left not known yet"
    if left[1] <= 1.1 * left[0] + 1:
        return f"{spoken(left[1])} left"
    return f"{spoken(left[0])} to {spoken(left[1])} left"


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
        self.total, self.pace, self.done = total, ProgressPace(total), 0
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
