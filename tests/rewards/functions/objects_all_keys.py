# expect: works
def reward_function(params):
    count = len(params["objects_location"])
    for key in ("objects_distance", "objects_heading", "objects_speed",
                "objects_left_of_center", "objects_distance_from_center"):
        assert len(params[key]) == count, key
    return 1.0 - 0.5 * params["object_in_camera"] - 0.1 * params["is_crashed"]
