"""The launchers for Docker Compose and Docker Swarm: Docker engine, compose files, images, nodes."""
