# expect: error reward_function returns '1.0'
def reward_function(params):
    return "1.0"
