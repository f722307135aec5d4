# expect: error Perhaps you forgot a comma
LINE = [[1.0, 2.0], [3.0 4.0]]

def reward_function(params):
    return 1.0
