# expect: error unterminated string literal
def reward_function(params):
    print("off track)
    return 1.0
