"""The programs that a stack runs, by their containers' names: sagemaker, robomaker, evaluation, health.

They are trainer/, worker/ and evaluator/; shared/ is what these have in common, observers/ what looks at them.
"""
