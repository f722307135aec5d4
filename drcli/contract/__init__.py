"""What is said once and used everywhere: keys of the bucket, names, exit codes, what services are told."""
