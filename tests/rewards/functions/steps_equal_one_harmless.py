# expect: works
# find: checks for steps == 1
first = 0.0

def reward_function(params):
    global first
    if params["steps"] == 1:
        first = params["x"]
    return 1.0 + first
