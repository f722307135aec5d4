# expect: works
# find: It returns float64
import numpy as np

def reward_function(params):
    return np.float64(1.5) * params["speed"]
