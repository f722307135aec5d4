# expect: works
# find: The step off the track pays 5
def reward_function(params):
    return 5.0 if params["is_offtrack"] else 1.0 - params["distance_from_center"]
