# expect: error reward_function returns nan
def reward_function(params):
    return float("nan")
