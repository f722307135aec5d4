# expect: works
import math

def reward_function(params):
    points, following = params["waypoints"], params["closest_waypoints"][1]
    aim = points[(following + 5) % len(points)]
    wanted = math.degrees(math.atan2(aim[1] - params["y"], aim[0] - params["x"])) - params["heading"]
    wanted = (wanted + 180) % 360 - 180
    return max(0.01, 1 - abs(wanted - params["steering_angle"]) / 60)
