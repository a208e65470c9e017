"""Whether a chart says of itself what Helm, Flux and its packagers need to know."""
