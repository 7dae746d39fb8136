"""Names that a network accepts, made from those of a file."""

import keyword
import re

from jaxsim.network.functions import RESERVED

LONGEST = 80


class Identifiers:
    """Gives every identifier of a file a name of its own that a network accepts.

    Examples
    --------
    >>> names = Identifiers()
    >>> names.name("A(b!1).B(a!1)"), names.name("exp"), names.name("A"), names.name("A")
    ('A_b_1_B_a_1', 'exp_', 'A', 'A_2')
    """

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._next: dict[str, int] = {}

    def name(self, wanted: str) -> str:
        """Return a free name as near to the wanted one as can be."""
        base = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_" if not wanted.startswith("_") else "")[:LONGEST]
        if not base or base[0].isdigit():
            base = f"s{base}"
        if base in RESERVED or keyword.iskeyword(base):
            base = f"{base}_"
        name, number = base, self._next.get(base, 2)
        while name in self.taken:
            name, number = f"{base}_{number}", number + 1
        self._next[base] = number
        self.taken.add(name)
        return name
