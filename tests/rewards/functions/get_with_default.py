# expect: works
def reward_function(params):
    return 1.0 - params.get("distance_from_center", 0.0)
