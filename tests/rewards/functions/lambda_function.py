# expect: works
reward_function = lambda params: 1.0 - params["distance_from_center"]
