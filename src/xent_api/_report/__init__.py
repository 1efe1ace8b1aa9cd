"""What ``python -m xent_api`` shows."""
