# expect: works
# state: yes
def reward_function(params):
    before = getattr(reward_function, "heading", params["heading"])
    reward_function.heading = params["heading"]
    turned = (params["heading"] - before + 180) % 360 - 180
    return float(1 / (1 + abs(turned)))
