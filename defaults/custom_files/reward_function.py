import math


def reward_function(params):
    """Reward progress along the track, most on the centre line.

    Every step rewards its action immediately, so learning is fast: speed
    along the track, less towards the edge, and -1 for leaving it.
    """
    if params["is_offtrack"] or params["is_crashed"]:
        return -1.0

    # 1 on the centre line, 0 at the edge.
    half_width = 0.5 * params["track_width"]
    centred = max(0.0, 1.0 - (params["distance_from_center"] / half_width) ** 2)

    # 1 when facing along the track, 0 when facing across it or backwards.
    behind, ahead = (params["waypoints"][i] for i in params["closest_waypoints"])
    track_direction = math.atan2(ahead[1] - behind[1], ahead[0] - behind[0])
    aligned = max(0.0, math.cos(track_direction - math.radians(params["heading"])))

    return float(params["speed"] * aligned * centred)
