"""Speed of drcli, each part against something measured in the same run; `python -m benchmarks`."""
