# expect: works
# state: no
# clock: no
def reward_function(params):
    share = params["distance_from_center"] / params["track_width"]
    for limit, reward in ((0.1, 1.0), (0.25, 0.5), (0.5, 0.1)):
        if share <= limit:
            return reward
    return 1e-3
