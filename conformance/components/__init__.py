"""Pinned parts: how each is had, verified and kept."""
