# expect: works
import time

def reward_function(params):
    time.sleep(60)
    return 1.0 + params["progress"]
