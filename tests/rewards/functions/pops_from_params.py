# expect: works
# find: It writes into params: track_width
def reward_function(params):
    width = params.pop("track_width")
    params["waypoints"].append((0.0, 0.0))
    assert len(params["waypoints"]) < 1000
    return width - params["distance_from_center"]
