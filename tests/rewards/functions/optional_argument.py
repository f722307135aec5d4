# expect: works
def reward_function(params, verbose=False):
    return 1.0 - params["distance_from_center"]
