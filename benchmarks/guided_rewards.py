"""Five kinds of reward functions that racers write."""

REWARDS = {
    "border": """
def reward_function(params):
    to_border_m = 0.5 * params["track_width"] - params["distance_from_center"]
    return 1.0 if params["all_wheels_on_track"] and to_border_m >= 0.05 else 1e-3
""",
    "centre line": """
def reward_function(params):
    share = params["distance_from_center"] / params["track_width"]
    return 1.0 if share <= 0.1 else 0.5 if share <= 0.25 else 0.1 if share <= 0.5 else 1e-3
""",
    "zig-zag": """
def reward_function(params):
    share = params["distance_from_center"] / params["track_width"]
    reward = 1.0 if share <= 0.1 else 0.5 if share <= 0.25 else 0.1 if share <= 0.5 else 1e-3
    return reward * 0.8 if abs(params["steering_angle"]) > 15 else reward
""",
    "sparse": """
def reward_function(params):
    if not params["all_wheels_on_track"]:
        return 1e-3
    return 10.0 if params["steps"] % 20 == 0 and params["progress"] / params["steps"] > 0.25 else 1e-3
""",
    "progress": """
def reward_function(params):
    if params["is_offtrack"]:
        return 1e-3
    return 1.0 + 10.0 * params["progress"] / params["steps"]
""",
}
