# expect: works
# state: yes
def make():
    best = [0.0]

    def inner(params):
        gained = max(0.0, params["progress"] - best[0])
        best[0] = params["progress"]
        return gained
    return inner

reward_function = make()
