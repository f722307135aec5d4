# expect: works
def reward_function(params):
    if params["is_offtrack"]:
        return 0.001
    return params["progress"] / params["steps"]
