"""Metaflow's datastores in Google's and Microsoft's clouds, against emulators; `make test-cloud`."""
