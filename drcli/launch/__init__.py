"""What runs where: the Plan of a stack and the launchers that start, watch and stop it."""
