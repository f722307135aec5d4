"""What the tests of panels share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from racing import new_racer
from recorded_drives_in_bucket import recorded

__all__ = ["new_racer", "recorded"]
