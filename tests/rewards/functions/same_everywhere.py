# expect: works
# find: It pays the same in every state.
def reward_function(params):
    return 1.0
