"""The launchers of Docker Compose and Docker Swarm: the engine, our compose files, images, nodes."""
