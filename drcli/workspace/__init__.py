"""Files that users edit: env files, experiments, increments, custom files, import from DeepRacer-for-Cloud."""
