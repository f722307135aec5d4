# expect: works
# state: yes
from collections import deque

window = deque(maxlen=5)

def reward_function(params):
    window.append(params["steering_angle"] + params["progress"])
    return 1.0 / (1.0 + max(window) - min(window))
