"""What the site of docs/ needs beyond Sphinx's own extensions."""
