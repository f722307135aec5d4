"""The evaluation of a finished checkpoint, on its own."""
