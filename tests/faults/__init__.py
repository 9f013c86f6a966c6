"""What happens to a sync when something goes wrong at any moment: `make test-faults`."""
