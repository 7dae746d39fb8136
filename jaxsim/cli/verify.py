"""``jaxsim verify``: whether everything in a store is as it was written."""

import argparse
import json

from jaxsim.cli.study_options import DAMAGED
from jaxsim.console.options import Parser

DESCRIPTION = """\
Read every file of a store and compare it with the digest of what was written. Names each damaged part and says what
mends it; most is computed again by 'jaxsim resume'. Changes nothing and runs no code of the study.
"""
EPILOG = f"""\
exit codes:
  0    everything is as it was written
  {DAMAGED}    something is damaged
  2    there is no such store, or nothing in it can be read
"""


def parser() -> Parser:
    """Return the parser of the command."""
    given = Parser(prog="jaxsim verify", description=DESCRIPTION, epilog=EPILOG)
    given.add_argument("store", metavar="STORE", help="the store")
    given.add_argument("--json", action="store_true", help="print everything as JSON")
    return given


def run(arguments: argparse.Namespace) -> int:
    """Read everything and print what is damaged."""
    from jaxsim.study.damage import changed_originals, damage_of
    from jaxsim.study.store import open_store

    store = open_store(arguments.store)
    found = list(damage_of(store))
    if arguments.json:
        print(json.dumps([damage._asdict() for damage in found], indent=1))
        return DAMAGED if found else 0
    for damage in found:
        print(f"damaged: {damage.part}\n    {damage.remedy}")
    ledger, plan = store.ledger, store.plan
    groups = sum(ledger.is_group_done(group) for group in range(plan.groups))
    chunks = sum(1 for _ in ledger.done())
    parts = "1 part is" if len(found) == 1 else f"{len(found)} parts are"
    print(
        f"{parts} damaged; what is not named is as it was written"
        if found
        else f"everything is as it was written: {len(store.manifest['files'])} files, the sums of {chunks:,} of "
        f"{plan.chunks:,} chunks, the results of {groups:,} of {plan.groups:,} groups of design points"
    )
    for original in changed_originals(store):
        print(f"'{original}' has changed since the store was begun, which goes on with its own copy")
    return DAMAGED if found else 0
