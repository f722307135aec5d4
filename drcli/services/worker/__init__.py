"""A worker: drives cars with the trainer's policy and sends back the results."""
