"""Figures of what a model left behind, drawn with matplotlib: data in, Figure out. Used by reports and `dr plot`."""
