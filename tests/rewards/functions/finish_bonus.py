# expect: works
def reward_function(params):
    reward = 0.1
    if params["progress"] == 100:
        reward += 100 * 50 / params["steps"]
    return reward
