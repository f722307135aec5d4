# expect: error IndexError
def reward_function(params):
    return params["waypoints"][10000][0]
