"""What trainings and evaluations left behind, of any engine: read from a bucket, a folder or an archive."""
