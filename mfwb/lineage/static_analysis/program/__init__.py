"""The program under analysis: its modules, classes and names."""
