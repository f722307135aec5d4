# expect: works
# clock: no
def reward_function(params):
    return 1.0 / (1.0 + params["sim_time"])
