# expect: works
import math

def reward_function(params):
    points = params["waypoints"]
    last, following = (points[i] for i in params["closest_waypoints"])
    direction = math.degrees(math.atan2(following[1] - last[1], following[0] - last[0]))
    difference = abs(direction - params["heading"])
    difference = 360 - difference if difference > 180 else difference
    return 0.5 if difference > 10 else 1.0
