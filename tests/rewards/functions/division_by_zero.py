# expect: error ZeroDivisionError
def reward_function(params):
    return 1.0 / (params["speed"] - params["speed"])
