"""Tests of mfwb. `unit` mirrors the package, `integration` uses real flows and real SDKs."""
