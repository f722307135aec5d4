# expect: works
# state: yes
def alternate():
    while True:
        yield 1.0
        yield 0.5

values = alternate()

def reward_function(params):
    return next(values)
