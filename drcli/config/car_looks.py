"""Body shells and colours of cars by name, as BODY_SHELL_TYPE and CAR_COLOR of a params document contain them.

Sources: `markov/rollout_constants.py` of the community's deepracer-simapp; for DeepRacer on AWS (v1.2.5)
lambda/src/workflow/constants/simulation.ts, SimAppCarShells.
"""

from __future__ import annotations

SIMAPP_SHELLS = ("deepracer", "f1_2021", *(f"f1_car_{number}" for number in range(11, 22)))
_AWS_SHELLS = """
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
AWS_SHELLS = tuple(_AWS_SHELLS.split())
SHELL_WORDS = "deepracer, f1_2021, f1_car_11 to f1_car_21, or a shell of DeepRacer on AWS, such as f1_kart"

# Red, green and blue, 0 to 255. Names of the F1 shells' colours contain them.
COLOURS: dict[str, tuple[int, int, int]] = {
    "Black": (26, 26, 26),
    "Grey": (135, 149, 150),
    "Blue": (68, 95, 229),
    "Red": (224, 26, 37),
    "Orange": (255, 160, 10),
    "White": (255, 255, 255),
    "Purple": (156, 42, 195),
}
_F1_COLOURS = "1e73fc 7102bb cf15fc eb0000 ff9900 fffe01 9efc03 1bd900 73fdf9 000000 bccacc ffffff"
for _code in _F1_COLOURS.split():
    _red, _green, _blue = bytes.fromhex(_code)
    COLOURS[f"f1_car_{_code}"] = _red, _green, _blue
COLOUR_WORDS = "Black, Grey, Blue, Red, Orange, White, Purple, or an F1 colour: " + ", ".join(
    name for name in COLOURS if name.startswith("f1_")
)
