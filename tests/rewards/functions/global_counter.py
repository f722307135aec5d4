# expect: works
# state: yes
count = 0

def reward_function(params):
    global count
    count += 1
    return 1.0 + count / 1000
