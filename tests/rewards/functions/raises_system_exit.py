# expect: error SystemExit
import sys
def reward_function(params):
    sys.exit(1)
