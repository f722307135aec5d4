"""Log analysis: JupyterLab with deepracer-utils on the models in the bucket, as a process or in a container."""
