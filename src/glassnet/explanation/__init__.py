"""A network → reasons: what it computed, what it learned, and why it did not. Beside formats, above the estimators."""
