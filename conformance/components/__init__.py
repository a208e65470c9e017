"""Pinned parts: how each is obtained, verified and kept."""
