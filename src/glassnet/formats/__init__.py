"""Model → file, and back."""
