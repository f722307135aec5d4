"""The tracks of DeepRacer on AWS (v1.2.5), by WORLD_NAME without a direction.

Source: config/src/data/tracks.json.
"""

from __future__ import annotations

# Driven in both directions: TRACK_DIRECTION_CLOCKWISE chooses.
_BOTH_WAYS = """
2022_april_open 2022_april_pro 2022_august_open 2022_august_pro 2022_july_pro 2022_june_open
2022_june_pro 2022_march_open 2022_march_pro 2022_may_open 2022_may_pro 2022_october_open
2022_october_pro 2022_reinvent_champ 2022_september_open 2022_september_pro 2022_summit_speedway
2024_reinvent_champ arctic_open arctic_pro dubai_open jyllandsringen_open jyllandsringen_pro penbay_open
penbay_pro reInvent2019_track reInvent2019_wide red_star_pro thunder_hill_pro
"""
# Driven in one: TRACK_DIRECTION_CLOCKWISE is ignored.
_ONE_WAY = """
2022_july_open Albert AmericasGeneratedInclStart Aragon Austin Belille Bowtie_track Canada_Training
China_track FS_June2020 July_2020 LGSWide Mexico_track Monaco Monaco_building New_York_Track Oval_track
Singapore Singapore_building Spain_track Tokyo_Training_track Vegas_track Virtual_May19_Train_track
caecer_gp caecer_loop dubai_pro hamption_open hamption_pro morgan_open morgan_pro red_star_open
reinvent_base thunder_hill_open
"""
BOTH_WAYS = frozenset(_BOTH_WAYS.split())
TRACKS = BOTH_WAYS | {*_ONE_WAY.split()}


def without_direction(world: str) -> str:
    """A world's name without `_cw` or `_ccw`."""
    return world.removesuffix("_cw").removesuffix("_ccw")
