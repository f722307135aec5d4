"""What programs, containers and files of a run agree on: said once here, used everywhere. Imports nothing heavy."""
