# expect: works
# find: line 5: params have no key 'closest_waypoint'
# find: Did you mean 'closest_waypoints'?
def reward_function(params):
    if params.get("closest_waypoint"):
        return 2.0
    return 1.0 - params["distance_from_center"]
