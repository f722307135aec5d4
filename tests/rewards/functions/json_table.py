# expect: works
import json

TABLE = json.loads('{"slow": 0.2, "fast": 1.0}')

def reward_function(params):
    return TABLE["fast" if params["speed"] > 1.5 else "slow"]
