"""Deployments of DeepRacer on AWS (github.com/aws-solutions/deepracer-on-aws): login, models, import."""
