"""Learning: architectures, heads, algorithms, checkpoints, exports. Only this room and the services import torch."""
