"""Assemble AWS Lambda layers for Python from a lock file."""

__version__ = "0.1.0"
