# expect: error was never closed
def reward_function(params):
    return max(1.0, 2.0
