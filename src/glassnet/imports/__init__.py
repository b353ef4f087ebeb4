"""Another library's network → ours."""
