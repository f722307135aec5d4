"""Shared by all services: their environment, the wire between them, and their life cycle as programs."""
