"""What `dr doctor` looks at before anything starts: the machine, Docker, the workspace, its store. Starts nothing."""
