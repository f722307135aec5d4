"""Videos of drives: the car's own camera with figures, from behind, from above; as H.264 in MP4 files."""
