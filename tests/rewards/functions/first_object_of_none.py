# expect: error IndexError
def reward_function(params):
    return params["objects_distance"][0]
