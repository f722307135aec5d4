# expect: works
from __future__ import annotations

from typing import Any

def reward_function(params: dict[str, Any]) -> float:
    return 1.0 - params["distance_from_center"]
