"""The programs a stack runs: sagemaker (trainer), robomaker (workers), and the wire between them."""
