"""Test modules here import metadata_standin and rented_machine; an account of AWS and a shell in it are fixtures."""

from __future__ import annotations

import sys
from pathlib import Path

from cloud_account import aws, shell

sys.path.append(str(Path(__file__).parent))

__all__ = ["aws", "shell"]
