"""The track of a trace that no document names, by its length and by where its waypoint 0 is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drcli.sim.catalogue import list_tracks, load_track
from drcli.watch.recordings.trace_table import Steps

_LENGTH_SHARE, _PLACE_M = 0.002, 1.5


class _Known(NamedTuple):
    name: str
    length_m: float
    x_m: float  # of waypoint 0
    y_m: float


# The community's routes: name, length, x and y of the first waypoint (m), measured in deepracer-race-data.
_COMMUNITY = """
2022_april_open 50.30 0.00 -3.35; 2022_april_open_ccw 50.28 -0.11 -3.29; 2022_april_open_cw 50.28 0.12 -3.41;
2022_april_pro 67.46 0.02 -3.25; 2022_april_pro_ccw 67.44 -0.09 -3.18; 2022_april_pro_cw 67.44 0.13 -3.32;
2022_august_open 43.31 -7.15 1.00; 2022_august_open_ccw 43.31 -7.12 -1.87; 2022_august_open_cw 43.31 -7.09 -2.13;
2022_august_pro 63.88 7.22 -5.21; 2022_august_pro_ccw 63.86 7.21 -5.34; 2022_august_pro_cw 63.86 7.22 -5.08;
2022_july_open 40.20 -4.43 -2.17; 2022_july_pro 57.89 -6.58 -2.40; 2022_july_pro_ccw 57.86 -6.70 -2.37;
2022_july_pro_cw 57.86 -6.45 -2.43; 2022_june_open 41.28 2.05 2.17; 2022_june_open_ccw 41.26 2.17 2.22;
2022_june_open_cw 41.26 1.93 2.13; 2022_june_pro 58.61 3.15 0.94; 2022_june_pro_ccw 58.60 3.27 0.99;
2022_june_pro_cw 58.60 3.02 0.89; 2022_march_open 48.07 -2.04 -5.94; 2022_march_open_ccw 48.07 -2.17 -5.92;
2022_march_open_cw 48.07 -1.91 -5.96; 2022_march_pro 76.76 0.64 -0.39; 2022_march_pro_ccw 76.75 0.51 -0.38;
2022_march_pro_cw 76.75 0.77 -0.40; 2022_may_open 46.13 5.05 0.86; 2022_may_open_ccw 46.12 5.05 0.73;
2022_may_open_cw 46.12 5.05 0.99; 2022_may_pro 63.86 -0.51 -5.40; 2022_may_pro_ccw 63.86 -0.64 -5.40;
2022_may_pro_cw 63.86 -0.38 -5.40; 2022_october_open 49.57 -7.76 0.45; 2022_october_open_ccw 49.53 -7.85 0.52;
2022_october_open_cw 49.53 -7.64 0.37; 2022_october_pro 62.08 -8.66 -1.14;
2022_october_pro_ccw 62.07 -8.78 -1.09; 2022_october_pro_cw 62.07 -8.54 -1.19;
2022_reinvent_champ_ccw 33.28 0.19 0.94; 2022_reinvent_champ_cw 33.28 0.02 1.13;
2022_september_open 45.30 6.12 1.60; 2022_september_open_ccw 45.26 6.53 1.48;
2022_september_open_cw 45.26 6.28 1.55; 2022_september_pro 60.18 4.86 -4.00;
2022_september_pro_ccw 60.17 4.77 -4.09; 2022_september_pro_cw 60.17 4.93 -3.89;
2022_summit_speedway 25.17 8.55 3.17; 2022_summit_speedway_ccw 25.11 3.41 1.47;
2022_summit_speedway_cw 25.11 3.15 1.47; 2022_summit_speedway_mini 22.45 2.15 1.83;
2024_reinvent_champ_ccw 25.11 3.41 1.47; 2024_reinvent_champ_cw 25.11 3.15 1.47; AWS_track 69.25 5.07 1.18;
Albert 51.39 -5.10 6.10; AmericasGeneratedInclStart 39.07 -5.66 3.96; Aragon 59.92 5.69 -3.49;
Austin 59.35 -8.72 -1.36; Belille 60.06 -2.24 -5.31; Bowtie_track 17.43 2.08 0.87;
Canada_Training 21.74 4.61 1.64; China_track 22.92 3.07 1.00; FS_June2020 52.87 1.33 -2.81;
July_2020 59.91 -0.73 -0.86; LGSWide 38.03 -0.00 -4.46; Mexico_track 20.51 6.31 2.72; Monaco 60.27 -7.33 0.71;
Monaco_building 60.27 -7.33 0.71; New_York_Track 21.88 4.30 0.54; Oval_track 19.55 2.97 0.96;
Singapore 60.47 8.12 0.99; Singapore_building 60.47 8.12 0.99; Singapore_f1 60.47 8.12 0.99;
Spain_track 60.00 0.35 -2.17; Spain_track_f1 60.00 0.35 -2.17; Straight_track 5.71 0.71 1.20;
Tokyo_Training_track 22.63 4.00 -2.40; Vegas_track 22.55 4.50 0.18; Virtual_May19_Train_track 19.45 5.20 0.60;
arctic_open 42.22 6.84 2.90; arctic_open_ccw 42.19 6.77 2.90; arctic_open_cw 42.19 6.51 2.93;
arctic_pro 59.52 6.88 3.66; arctic_pro_ccw 59.48 6.95 3.65; arctic_pro_cw 59.48 6.70 3.68;
caecer_gp 73.16 7.72 -1.66; caecer_loop 35.09 5.61 -0.30; dubai_open 40.66 3.83 -3.69;
dubai_open_ccw 40.61 3.95 -3.69; dubai_open_cw 40.61 4.21 -3.69; dubai_pro 64.95 1.09 -5.20;
hamption_open 45.93 6.03 -1.80; hamption_pro 60.74 6.26 -1.27; jyllandsringen_open 46.12 1.63 -3.96;
jyllandsringen_open_ccw 46.07 1.81 -3.95; jyllandsringen_open_cw 46.07 2.07 -3.95;
jyllandsringen_pro 62.03 4.56 -6.36; jyllandsringen_pro_ccw 62.13 5.21 -6.35;
jyllandsringen_pro_cw 62.13 5.47 -6.35; morgan_open 45.04 -5.45 -1.62; morgan_pro 59.27 -5.51 -4.92;
penbay_open 68.68 -0.54 -4.26; penbay_open_ccw 68.67 -0.67 -4.26; penbay_open_cw 68.67 -0.41 -4.26;
penbay_pro 89.24 -2.43 -4.63; penbay_pro_ccw 89.24 -2.26 -4.62; penbay_pro_cw 89.24 -2.00 -4.61;
reInvent2019_track 23.12 0.31 2.83; reInvent2019_track_ccw 23.09 -4.01 -0.01;
reInvent2019_track_cw 23.09 -4.01 -0.27; reInvent2019_wide 16.64 2.56 1.06;
reInvent2019_wide_ccw 16.60 -1.56 -1.71; reInvent2019_wide_cw 16.60 -1.30 -1.72;
reInvent2019_wide_mirrored 16.64 2.57 1.06; red_star_open 43.49 4.62 -2.32; red_star_pro 68.90 6.94 -2.18;
red_star_pro_ccw 68.85 6.93 -2.26; red_star_pro_cw 68.85 6.95 -2.00; reinvent_base 17.71 3.06 0.68;
reinvent_carpet 17.71 3.06 0.68; reinvent_concrete 17.71 3.06 0.68; reinvent_wood 17.71 3.06 0.68;
thunder_hill_open 40.91 1.56 -1.43; thunder_hill_pro 59.15 2.32 0.37; thunder_hill_pro_ccw 59.11 2.19 0.37;
thunder_hill_pro_cw 59.11 2.45 0.37
"""


def guess_world(rows: Steps, folder: Path | None) -> str | None:
    """The name of the track on which these steps were driven; None if no known track fits.

    folder: the user's own tracks and cached routes. Of tracks with the same road, the first by name.
    """
    length_m = float(rows["track_len"][0])
    starts = rows[rows["closest_waypoint"] == 0]
    for track in (*_community(), *_local(folder, length_m)):
        if abs(track.length_m - length_m) > max(_LENGTH_SHARE * length_m, 0.006):
            continue
        if not len(starts) or _is_near(track, starts):
            return track.name
    return None


def _is_near(track: _Known, starts: Steps) -> bool:
    middle = np.median(starts["X"]), np.median(starts["Y"])
    return float(np.hypot(middle[0] - track.x_m, middle[1] - track.y_m)) < _PLACE_M


def _community() -> Iterator[_Known]:
    for line in _COMMUNITY.replace("\n", " ").split(";"):
        name, *values = line.split()
        yield _Known(name, *map(float, values))


def _local(folder: Path | None, length_m: float) -> Iterator[_Known]:
    for info in list_tracks(folder):
        if abs(info.length_m - length_m) <= _LENGTH_SHARE * length_m:
            x_m, y_m = load_track(info.name, folder, "").center[0].tolist()
            yield _Known(info.name, info.length_m, x_m, y_m)
