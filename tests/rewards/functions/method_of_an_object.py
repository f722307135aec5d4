# expect: works
class Reward:
    def __init__(self, weight):
        self.weight = weight

    def __call__(self, params):
        return self.weight * params["speed"]

reward_function = Reward(2.0)
