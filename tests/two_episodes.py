"""A lap of 9.5 s, and an episode that ended off the track."""

from __future__ import annotations

from drcli.contract.episode import Episode, Status

LAP = Episode(0, 0, 0.0, 100.0, False, 30.4, 100.0, Status.LAP_COMPLETE, 109.5)
FAILED = Episode(0, 1, 0.0, 110.0, False, 10.0, 50.9, Status.OFF_TRACK, 115.0)
