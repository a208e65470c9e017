"""Files that people write for the suite: read by a model, mistakes with lines, schema and table."""
