# expect: works
import numpy as np
from scipy.interpolate import interp1d

SPEED = interp1d([0, 25, 50, 75, 100], [1.0, 2.5, 1.5, 3.0, 2.0], fill_value="extrapolate")

def reward_function(params):
    return float(np.clip(1 - abs(SPEED(params["progress"]) - params["speed"]) / 4, 0, 1))
