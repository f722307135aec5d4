# expect: error Missing parentheses in call to 'print'
def reward_function(params):
    print "hello"
    return 1.0
