# expect: works
def reward_function(params):
    room = 0.5 * params["track_width"] - params["distance_from_center"]
    return 1.0 if params["all_wheels_on_track"] and room > 0.05 else 0.001
