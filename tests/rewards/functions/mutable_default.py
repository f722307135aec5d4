# expect: works
# state: yes
def reward_function(params, seen=[]):
    seen.append(params["progress"])
    return float(len(seen) > 3) + 0.5
