"""What a user edits: env files in place, experiments, increments, custom files, import from DeepRacer-for-Cloud."""
