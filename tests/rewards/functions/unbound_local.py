# expect: error UnboundLocalError
count = 0
def reward_function(params):
    count += 1
    return float(count)
