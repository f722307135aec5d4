# expect: error reward_function: too many positional arguments
def reward_function():
    return 1.0
