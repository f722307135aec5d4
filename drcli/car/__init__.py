"""A physical car: its certificate, and the models on it, over the web server that its console uses."""
