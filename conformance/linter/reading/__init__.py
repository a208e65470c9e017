"""PATH to files, files to YAML documents with line numbers: all of it within limits."""
