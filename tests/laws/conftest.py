"""Lets the law tests import their judge and their exact laws by name."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
