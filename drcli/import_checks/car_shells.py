"""The car bodies of DeepRacer on AWS (v1.2.5) by BODY_SHELL_TYPE, and the colours of its DeepRacer car.

Source: lambda/src/workflow/constants/simulation.ts SimAppCarShells; CarColor in the API model.
"""

from __future__ import annotations

DEEPRACER = "deepracer"
DEEPRACER_COLOURS = ("BLACK", "BLUE", "GREY", "ORANGE", "PURPLE", "RED", "WHITE")
COLOURS = frozenset(
    {*DEEPRACER_COLOURS, "BROWN", "GOLDEN", "GOLDENPINK", "GREEN", "PINK", "SKY_BLUE", "TEAL", "YELLOW"}
)

_SHELLS = """
f1_2021 f1_amazon_van_purple_with_wheel f1_amazon_van_white_with_wheel f1_august_bike_01_with_wheel
f1_august_bike_02_with_wheel f1_baja_truck_03 f1_baja_truck_05 f1_car_banana_01 f1_car_clown_01
f1_car_mercedes_08 f1_car_retro_01 f1_car_tron_01 f1_car_tron_02 f1_car_tron_03 f1_car_tron_04
f1_car_tron_05 f1_car_tron_06 f1_car_tron_07 f1_car_tron_08 f1_car_tron_09 f1_car_tron_10
f1_december_car_01_with_wheel f1_december_car_02_with_wheel f1_dog_van f1_dragon f1_dune_buggy_01
f1_dune_buggy_07 f1_hotrod_03 f1_july_car_01_with_wheel f1_july_car_02_with_wheel
f1_july_car_03_with_wheel f1_june_car_01 f1_june_car_02 f1_kart f1_lorry_01 f1_lunar_rover
f1_mars_rover_with_wheel f1_monster_truck_01 f1_mustang_eleanor_01 f1_mustang_eleanor_02
f1_mustang_eleanor_03 f1_nudie_orange_with_wheel f1_nudie_purple_with_wheel f1_nudie_white_with_wheel
f1_october_wagon_01_with_wheel f1_october_wagon_02_with_wheel f1_rogue_01
f1_september_bug_01_with_wheel f1_september_bug_02_with_wheel f1_snail fl_hotrod_02
"""
SHELLS = frozenset(_SHELLS.split())
