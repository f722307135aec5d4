# expect: works
ABS_STEERING_THRESHOLD = 15

def reward_function(params):
    reward = 1.0
    if abs(params["steering_angle"]) > ABS_STEERING_THRESHOLD:
        reward *= 0.8
    return float(reward)
