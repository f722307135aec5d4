# expect: error reward_function takes longer than
def reward_function(params):
    while params["steps"] > 10:
        pass
    return 1.0
