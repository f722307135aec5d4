# expect: error reward_function returns None
def reward_function(params):
    if params["progress"] < 100:
        return 1.0
