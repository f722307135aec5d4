"""Runs on rented machines: what a machine is told, what it does and reports, how it is started, found and ended."""
