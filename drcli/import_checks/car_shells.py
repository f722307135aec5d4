"""The car bodies of DeepRacer on AWS (v1.2.5) by BODY_SHELL_TYPE, and the colours of its DeepRacer car.

Source: lambda/src/workflow/constants/simulation.ts SimAppCarShells; CarColor in the API model.
"""

from __future__ import annotations

from drcli.config.car_looks import AWS_SHELLS

DEEPRACER = "deepracer"
DEEPRACER_COLOURS = ("BLACK", "BLUE", "GREY", "ORANGE", "PURPLE", "RED", "WHITE")
COLOURS = frozenset(
    {*DEEPRACER_COLOURS, "BROWN", "GOLDEN", "GOLDENPINK", "GREEN", "PINK", "SKY_BLUE", "TEAL", "YELLOW"}
)
SHELLS = frozenset(AWS_SHELLS)
