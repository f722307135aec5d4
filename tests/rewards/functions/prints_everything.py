# expect: works
# prints: yes
def reward_function(params):
    print("progress", params["progress"], "of", 100)
    print(params)
    return 1.0 + params["progress"]
