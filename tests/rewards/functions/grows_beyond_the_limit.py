# expect: error reward_function returns 1
total = 1.0
def reward_function(params):
    global total
    total *= 1.5
    return total
