"""How a trajectory can end. Nothing else is possible, and every result counts these."""

from enum import IntEnum


class Status(IntEnum):
    """How a trajectory ended; only the first two are fine."""

    OK = 0
    ABSORBED = 1
    STEP_LIMIT = 2
    OVERFLOW = 3
    NEGATIVE_COUNT = 4
    NEGATIVE_RATE = 5
    RATE_NOT_FINITE = 6
    BOUND_VIOLATED = 7
    VARIABLE_NOT_FINITE = 8
    TRIGGER_LIMIT = 9
    CLOCK_NOT_RESOLVED = 10

    @property
    def label(self) -> str:
        """The name users see, such as ``step limit``.

        Examples
        --------
        >>> Status.STEP_LIMIT.label
        'step limit'
        """
        return self.name.lower().replace("_", " ")

    @property
    def fine(self) -> bool:
        """Whether the trajectory reached the end as it should."""
        return self in (Status.OK, Status.ABSORBED)

    @property
    def sentence(self) -> str:
        """What happened and what to do, as a clause that follows a count of trajectories."""
        return SENTENCES[self]


SENTENCES = {
    Status.OK: "reached the end",
    Status.ABSORBED: "reached the end in a state in which nothing can happen any more",
    Status.STEP_LIMIT: "were stopped at the limit of events before the end; "
    "raise max_events or simulate a shorter time",
    Status.OVERFLOW: "had a count beyond 2**31 - 1; scale the species down or simulate a shorter time",
    Status.NEGATIVE_COUNT: "had a count below zero, because a reaction fired without its reactants; "
    "let its rate vanish when a reactant is missing",
    Status.NEGATIVE_RATE: "had a negative rate; "
    "write the rate so that it cannot be negative, for instance with max(0, ...)",
    Status.RATE_NOT_FINITE: "had a rate that is infinite or not a number; look for a division by zero or an overflow",
    Status.BOUND_VIOLATED: "had a rate above its bound between two events, which would bias the result; "
    "please report it",
    Status.VARIABLE_NOT_FINITE: "had a variable that is infinite or not a number; "
    "look for a division by zero or parameters out of range in what events set",
    Status.TRIGGER_LIMIT: "had an event that was triggered more than 65,535 times in one instant before it could act; "
    "look for events that switch its trigger on and off without end, or give it a higher priority",
    Status.CLOCK_NOT_RESOLVED: "had events that followed each other faster than a clock in double precision can tell "
    "apart at that time; count times from a start near zero",
}

LABELS = tuple(status.label for status in Status)
