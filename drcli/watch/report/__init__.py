"""Reports: what a model left behind as one page of HTML, as numbers, or picture by picture."""
