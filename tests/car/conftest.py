from __future__ import annotations

from car_stand_in import car

__all__ = ["car"]
