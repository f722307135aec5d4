# expect: works
# clock: yes
import time

started = time.time()

def reward_function(params):
    if params["progress"] == 100:
        return 100.0 / max(time.time() - started, 0.1)
    return 0.5
