"""What the programs, containers and files of a run agree on, defined once. Imports nothing heavy."""
