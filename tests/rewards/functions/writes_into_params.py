# expect: works
# find: It writes into params: reward, speed
def reward_function(params):
    params["reward"] = 1.0
    params["speed"] /= 4.0
    if params["distance_from_center"] > 0.2:
        params["reward"] *= 0.5
    return params["reward"] + params["speed"]
