"""Names of the community's worlds, so that a misspelt one gets close matches without a network.

The routes themselves are downloaded from aws-deepracer-community/deepracer-race-data on first use.
"""

from __future__ import annotations

# Worlds that also come as NAME_cw and NAME_ccw (re-centred, with a start line painted on the road).
_THREE = """
2022_april_open 2022_april_pro 2022_august_open 2022_august_pro 2022_july_pro 2022_june_open 2022_june_pro
2022_march_open 2022_march_pro 2022_may_open 2022_may_pro 2022_october_open 2022_october_pro
2022_september_open 2022_september_pro 2022_summit_speedway arctic_open arctic_pro dubai_open
jyllandsringen_open jyllandsringen_pro penbay_open penbay_pro reInvent2019_track reInvent2019_wide
red_star_pro thunder_hill_pro
"""
_ONE = """
2022_july_open 2022_summit_speedway_mini AWS_track Albert AmericasGeneratedInclStart Aragon Austin Belille
Bowtie_track Canada_Training China_track FS_June2020 July_2020 LGSWide Mexico_track Monaco Monaco_building
New_York_Track Oval_track Singapore Singapore_building Singapore_f1 Spain_track Spain_track_f1 Straight_track
Tokyo_Training_track Vegas_track Virtual_May19_Train_track caecer_gp caecer_loop dubai_pro hamption_open
hamption_pro morgan_open morgan_pro reInvent2019_wide_mirrored red_star_open reinvent_base reinvent_carpet
reinvent_concrete reinvent_wood thunder_hill_open
"""
_TWO = "2022_reinvent_champ 2024_reinvent_champ"

COMMUNITY_WORLDS: tuple[str, ...] = tuple(
    sorted(
        [*_ONE.split(), *_THREE.split()]
        + [f"{name}_{way}" for name in (_THREE + _TWO).split() for way in ("cw", "ccw")]
    )
)
