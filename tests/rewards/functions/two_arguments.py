# expect: error reward_function: missing a required argument
def reward_function(params, speed):
    return speed
