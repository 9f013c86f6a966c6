"""Tests of the report in a real browser: Debian's chromium, driven by Selenium."""
