"""Random changes to real pickles; run by `make test-fuzz`, and by nothing else."""
