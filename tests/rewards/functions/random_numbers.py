# expect: works
# random: yes
import random

def reward_function(params):
    return random.random()
