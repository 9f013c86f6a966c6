"""What each package promises, without any SDK."""
