# expect: error reward_function is not defined
def reward(params):
    return 1.0
