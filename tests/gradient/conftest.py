"""The models with known answers are those of the benchmark of gradients."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent.parent))
