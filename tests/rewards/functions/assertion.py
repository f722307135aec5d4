# expect: error AssertionError
def reward_function(params):
    assert params["speed"] < 0, "speed"
    return 1.0
