# expect: error reward_function: missing a required argument
class R:
    def reward_function(self, params):
        return 1.0

reward_function = R.reward_function
