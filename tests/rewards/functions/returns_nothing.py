# expect: error reward_function returns None
def reward_function(params):
    reward = 1.0
