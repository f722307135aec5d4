"""The import checks of DeepRacer on AWS, rule by rule as its source has them, on files that are not there yet.

Source: github.com/aws-solutions/deepracer-on-aws v1.2.5; each rule names its file. docs/import-checks.md lists them.
Its model validation starts the community's simapp: github.com/aws-deepracer-community/deepracer-simapp,
markov/validation_worker.py.
"""
