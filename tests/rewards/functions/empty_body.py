# expect: error expected an indented block
def reward_function(params):
# nothing
