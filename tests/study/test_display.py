"""What a run says: a bar on a terminal, lines elsewhere, and how long it will still take."""

import io

from jaxsim.study import display
from jaxsim.study.display import Display, ProgressPace


class Terminal(io.StringIO):
    """Text that looks like a terminal."""

    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_and_lines_above_it():
    terminal = Terminal()
    shown = Display(stream=terminal)
    shown.begin(1000)
    shown.show(250)
    shown.say("a sentence")
    shown.show(1000)
    shown.close()
    text = terminal.getvalue()
    assert "100%" in text
    assert "1.00k of 1.00k trajectories, " in text
    assert "jaxsim: a sentence\n" in text


def test_elsewhere_lines_come_now_and_then(monkeypatch):
    monkeypatch.setattr(display, "FIRST_LINE", 0.0)
    log = io.StringIO()
    shown = Display(stream=log)
    shown.begin(1000)
    for done in (100, 200, 300):
        shown.show(done)
    lines = log.getvalue().splitlines()
    assert len(lines) == 1  # the next one is due in a minute
    assert "100 of 1,000 trajectories (10%), time left not known yet" in lines[0]


def test_silence_is_silence():
    for stream in (io.StringIO(), Terminal()):
        shown = Display(False, stream)
        shown.begin(10)
        shown.show(10)
        shown.say("nothing")
        shown.close()
        assert stream.getvalue() == ""


def test_time_left_is_an_interval_where_the_pace_has_changed():
    pace = ProgressPace(total=1000, now=0.0)
    for second in range(1, 101):  # four a second for fifty seconds, then two
        pace.note(4 * second if second <= 50 else 200 + 2 * (second - 50), now=float(second))
    low, high = pace.left(now=100.0)
    assert abs(low - 700 / 3) < 1
    assert abs(high - 700 / 2) < 5


def test_nothing_is_said_of_the_time_left_before_anything_is_known():
    pace = ProgressPace(total=1000, now=0.0)
    assert pace.left(now=1.0) is None
    pace.note(0, now=60.0)
    assert pace.left(now=60.0) is None
