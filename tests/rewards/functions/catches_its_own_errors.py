# expect: works
# find: params have no key 'closest_waypoint'
def reward_function(params):
    try:
        return 1.0 / (params["closest_waypoint"] - 3)
    except Exception:
        return 0.1 + params["speed"]
