# expect: works
def inner(speed, progress, **others):
    return speed + progress / 100 + len(others) / 1000

def reward_function(params):
    return inner(**params)
