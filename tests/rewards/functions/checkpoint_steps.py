# expect: works
def reward_function(params):
    reward = 1e-3
    if (params["steps"] % 10) == 0 and params["progress"] > params["steps"] / 3:
        reward += 10.0
    return float(reward)
