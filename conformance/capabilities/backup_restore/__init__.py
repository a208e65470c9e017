"""Velero gives back what was lost, byte for byte."""
