"""Pays for driving near the centre line, and more for driving fast there."""


def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    beside = params["distance_from_center"] / (params["track_width"] / 2)
    return max(1e-3, (1.0 - beside) * params["speed"])
