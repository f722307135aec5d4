"""Whole models: copying, uploading, downloading and packing them for the car, always all or nothing."""
