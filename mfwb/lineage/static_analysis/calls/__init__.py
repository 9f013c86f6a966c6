"""What calling, reaching and taking apart a value does."""
