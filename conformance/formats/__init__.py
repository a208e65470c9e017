"""Formats of files that people write, by their models: mistakes, schemas, tables of keys."""
