"""The checks of `dr doctor`: the machine, Docker, the workspace and its store. They start nothing."""
