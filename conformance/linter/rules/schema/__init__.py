"""Whether the API server takes the objects: their kinds, fields, values and names."""
