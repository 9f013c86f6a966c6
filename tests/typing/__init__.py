"""What `make types` reads, and nothing runs."""
