"""Whether every ``${variable}`` of a Flux package is filled in, and by what was meant."""
