# expect: error TypeError: '>' not supported
last = None
def reward_function(params):
    return float(params["speed"] > last)
