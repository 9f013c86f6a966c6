"""Metaflow's datastores in clouds, against emulators; `make test-cloud`."""
