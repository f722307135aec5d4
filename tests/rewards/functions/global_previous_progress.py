# expect: works
# state: yes
previous = 0.0

def reward_function(params):
    global previous
    if params["steps"] <= 2:
        previous = 0.0
    gained = params["progress"] - previous
    previous = params["progress"]
    return max(gained, 0.0)
