# expect: works
# state: yes
class Memory:
    speed = None

def reward_function(params):
    change = 0.0 if Memory.speed is None else abs(params["speed"] - Memory.speed)
    Memory.speed = params["speed"] + params["steps"] * 1e-6
    return 1.0 - change
