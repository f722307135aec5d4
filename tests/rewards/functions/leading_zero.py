# expect: error leading zeros in decimal integer
def reward_function(params):
    return 007
