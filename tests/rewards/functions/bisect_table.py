# expect: works
from bisect import bisect_left

LIMITS, REWARDS = [0.1, 0.25, 0.5], [1.0, 0.5, 0.1, 1e-3]

def reward_function(params):
    return REWARDS[bisect_left(LIMITS, params["distance_from_center"] / params["track_width"])]
