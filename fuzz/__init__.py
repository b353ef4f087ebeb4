"""Hostile bytes for all that reads what others wrote: model files, the studio's messages, formulas."""
