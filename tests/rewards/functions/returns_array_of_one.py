# expect: works
# find: It returns ndarray
import numpy as np

def reward_function(params):
    return np.array([params["speed"]])
