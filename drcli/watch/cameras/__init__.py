"""Live pictures of each worker, at the addresses of ROS's web video server; no work while nobody looks."""
