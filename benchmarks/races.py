"""Races with objects on the road: guided training until the model drives its exam without a crash.

Models are driven afterwards from 20 perturbed starts that the training did not use.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from collections.abc import Mapping

from benchmarks.guided import STARTS, drive
from benchmarks.race_rewards import REWARDS
from benchmarks.workspace import Workspace
from drcli.config.params_documents import render_training
from drcli.config.race_settings import RaceSettings
from drcli.config.run_params import TrainingParams
from drcli.config.settings import Settings
from drcli.sim.catalogue import load_track
from drcli.sim.world import World

RACES: Mapping[str, Mapping[str, str]] = {
    "3 boxes": {"DR_RACE_TYPE": "OBJECT_AVOIDANCE", "DR_OA_NUMBER_OF_OBSTACLES": "3"},
    "3 boxes, new places in each episode": {
        "DR_RACE_TYPE": "OBJECT_AVOIDANCE",
        "DR_OA_NUMBER_OF_OBSTACLES": "3",
        "DR_OA_RANDOMIZE_OBSTACLE_LOCATIONS": "True",
    },
    "3 bot cars": {"DR_RACE_TYPE": "HEAD_TO_BOT", "DR_H2B_NUMBER_OF_BOT_CARS": "3"},
}
