# expect: error KeyError: 'closest_waypoint'
# find: Did you mean params['closest_waypoints']?
def reward_function(params):
    return float(params["closest_waypoint"][0])
