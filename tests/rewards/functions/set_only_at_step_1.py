# expect: error TypeError
# find: Write steps <= 2 there
start = None
def reward_function(params):
    global start
    if params["steps"] == 1:
        start = params["x"]
    return params["x"] - start
