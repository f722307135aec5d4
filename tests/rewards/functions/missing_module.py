# expect: error ModuleNotFoundError: No module named 'not_a_module_of_anyone'
import not_a_module_of_anyone

def reward_function(params):
    return 1.0
