# expect: works
import math

def reward_function(params):
    places = params["objects_location"]
    if not places:
        return 1.0
    ahead = places[params["closest_objects"][1]]
    gap = math.dist(ahead, (params["x"], params["y"]))
    same = params["objects_left_of_center"][params["closest_objects"][1]] == params["is_left_of_center"]
    return 0.2 if same and gap < 0.8 else 1.0
