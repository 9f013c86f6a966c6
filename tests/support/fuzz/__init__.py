"""Fuzz test: random changes to real pickles; run only by `make test-fuzz`."""
