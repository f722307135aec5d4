# expect: works
import logging

log = logging.getLogger("reward")
log.setLevel(logging.ERROR)

def reward_function(params):
    log.info("step %s", params["steps"])
    return 1.0 + params["progress"]
