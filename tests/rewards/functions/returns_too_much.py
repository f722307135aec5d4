# expect: error reward_function returns 1000000.0
def reward_function(params):
    return 1e6
