# expect: error KeyError: 'streering_angle'
# find: Did you mean params['steering_angle']?
def reward_function(params):
    return abs(params["streering_angle"])
