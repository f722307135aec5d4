"""Launching runs: the plan of a stack, and the launchers that start, watch and stop it."""
