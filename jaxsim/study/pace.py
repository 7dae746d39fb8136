"""How fast a run goes, and how long it will still take."""

import time
from collections import deque

FEWEST_SECONDS, FEWEST_SHARE = 3.0, 0.001  # below these nothing is said


class Pace:
    """Time left, as an interval: by the pace since the start, and by the pace of late.

    Design points differ in cost, so the two may differ; both are said.

    Examples
    --------
    >>> pace = Pace(total=100, now=0.0)
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
