# expect: works
def reward_function(params):
    if params["is_left_of_center"]:
        return 1.0
    return 0.5
