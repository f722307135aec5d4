# expect: works
import copy

def reward_function(params):
    mine = copy.deepcopy(params)
    mine["speed"] = min(mine["speed"], 3.0)
    return mine["speed"] - dict(params)["distance_from_center"]
