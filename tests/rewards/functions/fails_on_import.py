# expect: error ZeroDivisionError
limit = 1 / 0

def reward_function(params):
    return 1.0
