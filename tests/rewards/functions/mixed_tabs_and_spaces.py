# expect: error inconsistent use of tabs
def reward_function(params):
    if params:
	return 1.0
