"""What a verification does by itself."""
