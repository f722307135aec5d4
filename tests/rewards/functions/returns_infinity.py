# expect: error reward_function returns inf
import math
def reward_function(params):
    return math.inf
