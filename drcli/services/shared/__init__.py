"""What the services have in common: what they are told, the wire between them, how they live and end as programs."""
