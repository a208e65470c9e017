"""Whether everything that a Flux package refers to is in it, or is Stackspin's."""
