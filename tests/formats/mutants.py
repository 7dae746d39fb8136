"""Mutated model files, and a process that reads them: run as ``python mutants.py FIRST LAST FILE...``.

Prints a line for each kind of ending. Exits with 1 and the trace of anything that is not one of our own errors, and of
a file that takes too long.
"""

import random
import re
import resource
import sys
import time
from pathlib import Path

NUMBERS = ("1e400", "-1", "nan", "INF", "99999999999999999999", "0", "1e-320", "2147483648", "0x7f", "")
BOMB = '<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9)
)
SLOWEST = 20.0  # seconds of processor time for one file of a few kilobytes
MEMORY = 2 << 30  # bytes of data beyond what the process holds at its start


def mutate(text, generator):
    """One to three random injuries of a text."""
    for _ in range(generator.randint(1, 3)):
        text = generator.choice(INJURIES)(text, generator)
    return text


def truncate(text, generator):
    return text[: generator.randrange(len(text) + 1)]


def cut(text, generator):
    start = generator.randrange(len(text) + 1)
    return text[:start] + text[start + generator.randint(1, 80) :]


def number(text, generator):
    return substitute(text, generator, r"(?<![\w.])\d[\d.e+-]*", generator.choice(NUMBERS))


def reference(text, generator):
    words = re.findall(r"[A-Za-z_]\w*", text) or ["x"]
    return substitute(text, generator, r"[A-Za-z_]\w*", generator.choice(words))


def substitute(text, generator, pattern, replacement):
    places = list(re.finditer(pattern, text))
    if not places:
        return text
    place = generator.choice(places)
    return text[: place.start()] + replacement + text[place.end() :]


def repeat(text, generator):
    lines = text.splitlines(keepends=True) or [""]
    start = generator.randrange(len(lines))
    return "".join(
        [
            *lines[: start + 1],
            *lines[start : start + generator.randint(1, 4)] * generator.randint(1, 50),
            *lines[start:],
        ]
    )


def noise(text, generator):
    position = generator.randrange(len(text) + 1)
    return (
        text[:position]
        + "".join(chr(generator.choice([0, 9, 38, 60, 62, 0x2028, 0xE9, 0x1F600])) for _ in range(4))
        + text[position:]
    )


def nest(text, generator):
    depth = generator.choice([30, 1_000, 100_000])
    if "<apply>" in text:
        return text.replace("<apply>", "<apply><minus/>" * depth + "<apply>", 1)
    return substitute(text, generator, r"(?<=\s)[A-Za-z_]\w*", "(" * depth + "k" + ")" * depth)


def bomb(text, generator):
    return text.replace("?>", f"?>{BOMB}]>", 1).replace("</ci>", "&j;</ci>", 1)


INJURIES = (truncate, cut, number, number, reference, reference, repeat, noise, nest, bomb)


def read(path, text):
    """Read a mutated text by the reader of its ending, and say how that ended."""
    from jaxsim.errors import JaxsimError
    from jaxsim.formats.bionetgen.reader import read_net_text
    from jaxsim.formats.sbml.reader import read_sbml_text

    try:
        reading = (
            read_net_text(text, "m.net")
            if path.suffix == ".net"
            else read_sbml_text(text.encode("utf-8", "replace"), "m.xml")
        )
        reading.or_refuse()
        return "read"
    except JaxsimError as error:
        assert str(error)
        return "refused"


def main(first, last, files):
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    counts = {"read": 0, "refused": 0}
    for seed in range(first, last):
        generator = random.Random(seed)
        path = files[seed % len(files)]
        text, began = mutate(path.read_text(), generator), time.process_time()
        sys.stderr.write(f"mutant {seed} of {path.name}\n")  # the last line before a trace or a crash
        counts[read(path, text)] += 1
        if time.process_time() - began > SLOWEST:
            sys.exit(f"mutant {seed} of {path.name} took {time.process_time() - began:.0f} s")
    sys.stdout.write(f"{counts['read']} read, {counts['refused']} refused\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
