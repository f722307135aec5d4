# expect: error reward_function takes longer than
def reward_function(params):
    while params:
        pass
    return 1.0
