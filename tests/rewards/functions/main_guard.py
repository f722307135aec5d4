# expect: works
# prints: no
def reward_function(params):
    return 1.0 - params["distance_from_center"]

if __name__ == "__main__":
    print(reward_function({"distance_from_center": 0.1}))
