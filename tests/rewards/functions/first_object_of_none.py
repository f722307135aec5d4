# expect: error IndexError
# find: There are no objects on the road
def reward_function(params):
    return params["objects_distance"][0]
