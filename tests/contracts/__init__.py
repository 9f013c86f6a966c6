"""What the pipeline relies on of each port, asked of the real part and of its fake alike."""
