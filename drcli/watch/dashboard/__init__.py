"""The dashboard of a run in the terminal: read from the run and its bucket, rendered for any width and height."""
