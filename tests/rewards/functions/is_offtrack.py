# expect: works
def reward_function(params):
    return 0.0 if params["is_offtrack"] or params["is_crashed"] else 1.0
