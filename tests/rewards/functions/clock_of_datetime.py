# expect: works
# clock: yes
from datetime import datetime

def reward_function(params):
    return 1.0 + datetime.now().timestamp() * 1e-6
