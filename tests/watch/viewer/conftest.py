"""What the tests of panels share."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

from recorded_drives_in_bucket import recorded

__all__ = ["recorded"]
