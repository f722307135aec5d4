# expect: works
def reward_function(params):
    side = params["is_left_of_center"] != params["is_reversed"]
    return 1.0 if side else 0.5
