"""Whether Flux's Kustomizations find their folders, and all that is to be applied from them."""
