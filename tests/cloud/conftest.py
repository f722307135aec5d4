"""Test modules here import metadata_standin and rented_machine."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
