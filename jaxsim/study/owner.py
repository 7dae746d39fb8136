"""Who works on a store: one record for each process, whose age tells whether it still lives."""

import os
import threading
import uuid
from pathlib import Path
from typing import Any

from jaxsim._process import started, this_machine
from jaxsim.study.files import read_sealed, sealed, write_file

BEAT = 10.0  # seconds between heartbeats
PATIENCE = 300.0  # seconds without one after which a process of another machine counts as dead


class Owner:
    """This process, with a heartbeat in the folder `owners` of a store.

    Parameters
    ----------
    folder
        Of the records.
    facts
        A function that returns what else each heartbeat says.
    """

    def __init__(self, folder: Path, facts: Any = dict) -> None:
        self.folder, self.facts = folder, facts
        self.name = uuid.uuid4().hex[:16]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> "Owner":
        self.write()
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        (self.folder / f"{self.name}.json").unlink(missing_ok=True)

    def write(self) -> None:
        """Write the record anew."""
        record = {"machine": this_machine(), "pid": os.getpid(), "started": started(os.getpid()), **self.facts()}
        write_file(self.folder / f"{self.name}.json", sealed(record))

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            try:
                self.write()
            except OSError:  # a full disk must not stop the computation; the old record ages, and that is seen
                continue

    def lives(self, other: str) -> bool:
        """Return whether another process, by the name of its record, still works.

        On the same machine the process is looked up. On another its heartbeat must be younger than `PATIENCE`, by
        the clock of the file system: our own record, just written, gives the present.
        """
        path = self.folder / f"{other}.json"
        if not path.exists():
            return False
        record = read_sealed(path) or {}  # a damaged one counts as that of another machine, whose age tells
        if record.get("machine") == this_machine() and record.get("started") is not None:
            return started(int(record["pid"])) == record["started"]
        self.write()
        try:
            return (self.folder / f"{self.name}.json").stat().st_mtime - path.stat().st_mtime < PATIENCE
        except FileNotFoundError:
            return False
