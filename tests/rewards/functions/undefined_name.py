# expect: error NameError: name 'reward' is not defined
def reward_function(params):
    return reward
