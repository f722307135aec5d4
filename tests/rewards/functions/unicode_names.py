# expect: works
def reward_function(params):
    größe = params["track_width"]  # höchstens – µ
    return größe - params["distance_from_center"]
