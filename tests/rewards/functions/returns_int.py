# expect: works
# find: It returns int
def reward_function(params):
    return 10 if params["all_wheels_on_track"] else 1
