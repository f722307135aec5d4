# expect: error TypeError: only
import numpy
def reward_function(params):
    return float(numpy.ones(1)) + float(numpy.ones(2))
