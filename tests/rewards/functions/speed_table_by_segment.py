# expect: works
SPEEDS = {0: 2.0, 1: 3.0, 2: 1.5, 3: 2.5}

def reward_function(params):
    quarter = int(params["progress"] // 25) % 4
    return 1.0 if abs(params["speed"] - SPEEDS[quarter]) < 0.5 else 0.3
