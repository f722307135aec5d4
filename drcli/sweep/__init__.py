"""Many runs from one file: the variants of a sweep, their trainings and evaluations, the table at the end."""
