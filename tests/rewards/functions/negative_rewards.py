# expect: works
def reward_function(params):
    return -1.0 if params["is_offtrack"] else -0.1 * params["distance_from_center"]
