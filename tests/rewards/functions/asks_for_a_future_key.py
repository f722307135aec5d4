# expect: works
# find: params have no key 'tyre_wear'
def reward_function(params):
    bonus = params["tyre_wear"] if "tyre_wear" in params else 0.0
    return 1.0 + bonus - params["distance_from_center"]
